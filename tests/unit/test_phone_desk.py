"""The orders of a phone, with an engine that does at once what it is told."""

from __future__ import annotations

import os
import time
import wave
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import IPv4Address
from pathlib import Path, PurePosixPath

import pytest

from lab.agents.phone.desk import PhoneDesk
from lab.agents.phone.engine import EngineError, OnCall, OnRegistration
from lab.agents.phone.playing import Emit, Progress
from lab.calls.coding import choose_coding
from lab.wire.codecs import CODECS
from lab.wire.line import Line
from lab.wire.messages import Event, Failed, Order, write
from lab.wire.phone import (
    PHONE,
    Abandon,
    AwaitCall,
    Confirmed,
    Dial,
    Dialled,
    Ended,
    HangUp,
    Idle,
    Incoming,
    PacketCounts,
    Register,
    Registered,
    SipAccount,
    Voice,
)
from lab.wire.playout import FIXED
from lab.wire.voice import Expect, Played, Playing, Received

REGISTER = Register(
    SipAccount("1001", "hush", IPv4Address("10.2.0.10"), IPv4Address("10.8.0.6"), tunnelled=True),
    choose_coding(CODECS["OPUS"], 40, 64),
    FIXED,
)
COUNTS = PacketCounts(0, 0, 0, None, None, 0, None, 0, 0, None, None)


class ObedientCall:
    def __init__(self, emit: Emit, peer: str = "") -> None:
        self.emit = emit
        self.peer = peer
        self.finished = False
        self.packets = 0

    def dial(self, number: str) -> None:
        if number == "nowhere":
            raise EngineError("no route to host")

    def accept(self) -> None:
        self.emit(Confirmed(1.0, "id"))

    def hang_up(self) -> None:
        self.emit(Ended(200, "bye", 1.0, COUNTS))
        self.finished = True

    def expect(self, packets: int) -> None:
        self.emit(Received(1.0, packets, complete=True))

    def poll(self) -> None:
        pass


class ObedientEngine:
    """Registers at once; `started` are all that were started, with what they were told."""

    name = "obedient 1.0"
    started: list[ObedientEngine]

    def __init__(
        self,
        order: Register,
        *,
        on_registration: OnRegistration,
        on_call: OnCall,
    ) -> None:
        self.order = order
        self.on_registration = on_registration
        self.on_call = on_call
        self.incoming: list[str] = []
        self.rejected: list[str] = []
        self.closed = False
        self._new = True
        self.started.append(self)

    def poll(self, timeout_ms: int) -> None:
        if self._new:
            self._new = False
            self.on_registration(200, "OK", 3600)
        if self.incoming:
            self.on_call(self.incoming.pop())

    def outgoing_call(self, voice: Voice, emit: Emit) -> ObedientCall:
        return ObedientCall(emit)

    def incoming_call(self, call_id: str, voice: Voice, emit: Emit) -> ObedientCall:
        return ObedientCall(emit, call_id)

    def reject(self, call_id: str) -> None:
        self.rejected.append(call_id)

    def unregister(self) -> None:
        self.on_registration(200, "OK", 0)

    def close(self) -> None:
        self.closed = True


class Host:
    """A desk with its pipes: `order` gives one order a turn, and reads what it made happen."""

    def __init__(self) -> None:
        orders_out, self._orders = os.pipe()
        self._events, events_in = os.pipe()
        ObedientEngine.started = []
        self.desk = PhoneDesk(Line(PHONE, orders_out, events_in, 2), {"baresip": ObedientEngine})

    @property
    def engine(self) -> ObedientEngine:
        (engine,) = ObedientEngine.started
        return engine

    def order(self, order: Order) -> list[Event]:
        os.write(self._orders, write(order).encode() + b"\n")
        return self.turn()

    def turn(self) -> list[Event]:
        self.desk.turn()
        os.set_blocking(self._events, False)
        try:
            lines = os.read(self._events, 65536).decode().splitlines()
        except BlockingIOError:
            return []
        return [PHONE.read_event(line) for line in lines]

    def hang_up_the_line(self) -> None:
        os.close(self._orders)
        self.desk.run()


@pytest.fixture
def host() -> Iterator[Host]:
    yield Host()


@pytest.fixture
def voice(tmp_path: Path) -> Voice:
    with wave.open(str(tmp_path / "clip.wav"), "wb") as wav:
        wav.setparams((1, 2, 16000, 0, "NONE", ""))
        wav.writeframes(bytes(32000))
    here = PurePosixPath(tmp_path)
    return Voice(here / "clip.wav", here / "record.wav", 1.0)


def kinds(events: list[Event]) -> list[type[Event]]:
    return [type(event) for event in events]


def test_the_codec_decides_which_engine_is_started_and_all_is_handed_on(host: Host) -> None:
    assert host.order(REGISTER) == [Registered(3600, "obedient 1.0")]
    assert host.engine.order == REGISTER


def test_nothing_can_be_done_before_there_is_a_registration(host: Host, voice: Voice) -> None:
    assert host.order(Dial("1008", voice)) == [Failed("the phone is not registered")]
    assert host.order(HangUp()) == [Failed("there is no call for HangUp")]


def test_a_clip_of_another_rate_is_refused(host: Host, voice: Voice) -> None:
    coding = choose_coding(CODECS["L16-48"])
    host.order(replace(REGISTER, coding=coding))
    (failed,) = host.order(AwaitCall(voice))
    assert isinstance(failed, Failed)
    assert failed.reason.endswith(
        "is 16000 Hz, 16 bit, 1 channel(s); L16-48 needs 48000 Hz, 16 bit, mono"
    )


def test_a_call_goes_from_dialling_to_idle(host: Host, voice: Voice) -> None:
    host.order(REGISTER)
    assert host.order(Dial("1008", voice)) == [Dialled("1008")]
    assert kinds(host.order(Expect(7))) == [Received]
    assert kinds(host.order(Abandon())) == [Ended, Idle]
    assert kinds(host.order(HangUp())) == [Failed]


def test_what_the_engine_refuses_is_told_in_its_words(host: Host, voice: Voice) -> None:
    host.order(REGISTER)
    assert host.order(Dial("nowhere", voice)) == [Failed("no route to host")]


def test_only_the_awaited_call_is_answered(host: Host, voice: Voice) -> None:
    host.order(REGISTER)
    host.engine.incoming = ["early bird"]
    assert host.turn() == []
    host.order(AwaitCall(voice))
    host.engine.incoming = ["1008"]
    assert host.turn() == [Incoming("1008"), Confirmed(1.0, "id")]
    host.engine.incoming = ["third"]
    host.turn()
    assert host.engine.rejected == ["early bird", "third"]


def test_the_end_of_the_orders_ends_everything(host: Host, voice: Voice) -> None:
    host.order(REGISTER)
    host.order(Dial("1008", voice))
    host.hang_up_the_line()
    assert host.engine.closed


PLAYED = Voice(PurePosixPath("c"), PurePosixPath("r"), duration_s=1.0, quiet_s=3.0)


def counted(tx_packets: int, rx_packets: int, rx_lost: int) -> PacketCounts:
    return replace(COUNTS, tx_packets=tx_packets, rx_packets=rx_packets, rx_lost=rx_lost)


def test_a_clip_is_heard_once_its_last_packet_has_been_played_out() -> None:
    events: list[Event] = []
    progress = Progress(PLAYED, events.append)
    progress.begin(10, ptime_ms=20)
    progress.look(1.0, counted(61, 61, 0), 0.2)
    assert kinds(events) == [Playing]
    progress.look(1.1, counted(62, 62, 0), 0.2)
    assert events[1] == Played(62)
    progress.expect(64)
    progress.look(1.2, counted(66, 62, 2), 0.2)
    progress.look(1.4, counted(70, 70, 2), 0.2)
    assert kinds(events) == [Playing, Played]
    progress.look(1.6, counted(80, 80, 2), 0.2)
    assert isinstance(events[2], Received)
    assert (events[2].complete, events[2].packets) == (True, 80)


def test_a_phone_that_leaves_pauses_out_counts_its_clip_by_the_clock() -> None:
    events: list[Event] = []
    progress = Progress(PLAYED, events.append, pauses=True)
    began = time.monotonic()
    progress.begin(10, ptime_ms=20)
    progress.look(began + PLAYED.duration_s - 0.1, counted(1000, 0, 0), 0.0)
    assert kinds(events) == [Playing]
    progress.look(began + PLAYED.duration_s + 0.5, counted(31, 0, 0), 0.0)
    assert events[1] == Played(31)


def test_what_does_not_come_any_more_is_given_up() -> None:
    events: list[Event] = []
    progress = Progress(PLAYED, events.append)
    progress.expect(50)
    progress.look(1.0, counted(0, 20, 0), 0.0)
    progress.look(4.5, counted(0, 20, 0), 0.0)
    assert isinstance(events[-1], Received)
    assert (events[-1].complete, events[-1].packets) == (False, 20)
