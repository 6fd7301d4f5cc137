"""The orders of a phone, with an engine that does at once what it is told."""

from __future__ import annotations

import json
import os
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.agents.phone.call_plan import CallPlan, Counted, Progress
from lab.agents.phone.desk import PhoneDesk
from lab.agents.phone.engine import (
    Emit,
    EngineError,
    Identity,
    OnCall,
    OnRegistration,
    VoiceSettings,
)
from lab.wire.polled_lines import PolledLines

REGISTER = {
    "op": "register",
    "extension": "1001",
    "password": "hush",
    "pbx_address": "10.2.0.10",
    "pbx_port": 5060,
    "bind_address": "10.8.0.6",
    "tunnelled": True,
    "codec": "opus",
    "ptime_ms": 40,
    "bitrate_kbps": 64,
    "playout": {"depth_ms": 200, "max_ms": 2000, "adaptive": False},
}


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
        self.emit("confirmed")

    def hang_up(self) -> None:
        self.emit("done", status=200, reason="bye")
        self.finished = True

    def expect(self, packets: int) -> None:
        self.emit("received", packets=packets)

    def poll(self) -> None:
        pass


class ObedientEngine:
    """Registers at once; `started` are all that were started, with what they were told."""

    name = "obedient 1.0"
    started: list[ObedientEngine]

    def __init__(
        self,
        identity: Identity,
        settings: VoiceSettings,
        *,
        on_registration: OnRegistration,
        on_call: OnCall,
    ) -> None:
        self.identity = identity
        self.settings = settings
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

    def outgoing_call(self, plan: CallPlan, emit: Emit) -> ObedientCall:
        return ObedientCall(emit)

    def incoming_call(self, call_id: str, plan: CallPlan, emit: Emit) -> ObedientCall:
        return ObedientCall(emit, call_id)

    def reject(self, call_id: str) -> None:
        self.rejected.append(call_id)

    def unregister(self) -> None:
        self.on_registration(200, "OK", 0)

    def close(self) -> None:
        self.closed = True


class Line:
    """A desk with its pipes: `order` gives one order a turn, and reads what it made happen."""

    def __init__(self) -> None:
        orders_out, self._orders = os.pipe()
        self._events, events_in = os.pipe()
        lines = PolledLines(orders_out, events_in, 2)
        ObedientEngine.started = []
        self.desk = PhoneDesk(lines, {"baresip": ObedientEngine})
        self._lines = lines

    @property
    def engine(self) -> ObedientEngine:
        (engine,) = ObedientEngine.started
        return engine

    def order(self, **order: Any) -> list[dict[str, Any]]:
        os.write(self._orders, json.dumps(order).encode() + b"\n")
        return self.turn()

    def turn(self) -> list[dict[str, Any]]:
        """One turn of `run`."""
        for order in self._lines.commands():
            self.desk._obey(order)
        self.desk._turn()
        os.set_blocking(self._events, False)
        try:
            return [json.loads(line) for line in os.read(self._events, 65536).splitlines()]
        except BlockingIOError:
            return []

    def hang_up_the_line(self) -> None:
        os.close(self._orders)
        self.desk.run()


@pytest.fixture
def line() -> Iterator[Line]:
    yield Line()


@pytest.fixture
def clip(tmp_path: Path) -> dict[str, Any]:
    with wave.open(str(tmp_path / "clip.wav"), "wb") as wav:
        wav.setparams((1, 2, 16000, 0, "NONE", ""))
        wav.writeframes(bytes(32000))
    return {
        "clip": str(tmp_path / "clip.wav"),
        "record": str(tmp_path / "record.wav"),
        "duration_s": None,
        "quiet_s": 3.0,
    }


def names(events: list[dict[str, Any]]) -> list[str]:
    return [event["event"] for event in events]


def test_the_codec_decides_which_engine_is_started_and_all_is_handed_on(line: Line) -> None:
    (registered,) = line.order(**REGISTER)
    assert (registered["event"], registered["engine"]) == ("registered", "obedient 1.0")
    engine = line.engine
    assert (engine.identity.bind_address, engine.identity.tunnelled) == ("10.8.0.6", True)
    assert (engine.settings.codec.name, engine.settings.ptime_ms) == ("OPUS", 40)
    assert engine.settings.bitrate_kbps == 64


def test_a_codec_nobody_has_is_refused(line: Line) -> None:
    (failed,) = line.order(**REGISTER | {"codec": "G729"})
    assert failed["event"] == "failed"
    assert failed["reason"].startswith("this phone has no codec 'G729'; it has PCMU")


def test_a_call_goes_from_dialling_to_idle(line: Line, clip: dict[str, Any]) -> None:
    line.order(**REGISTER)
    assert names(line.order(op="call", number="1008", **clip)) == ["calling"]
    assert names(line.order(op="expect", packets=7)) == ["received"]
    assert names(line.order(op="abandon")) == ["done", "idle"]
    assert names(line.order(op="hangup")) == ["failed"]


def test_what_the_engine_refuses_is_told_in_its_words(line: Line, clip: dict[str, Any]) -> None:
    line.order(**REGISTER)
    (failed,) = line.order(op="call", number="nowhere", **clip)
    assert (failed["stage"], failed["reason"]) == ("call", "no route to host")


def test_only_the_awaited_call_is_answered(line: Line, clip: dict[str, Any]) -> None:
    line.order(**REGISTER)
    line.engine.incoming = ["early bird"]
    assert line.turn() == []
    line.order(op="listen", **clip)
    line.engine.incoming = ["1008"]
    incoming, confirmed = line.turn()
    assert (incoming["caller"], confirmed["event"]) == ("1008", "confirmed")
    line.engine.incoming = ["third"]
    line.turn()
    assert line.engine.rejected == ["early bird", "third"]


def test_the_end_of_the_orders_ends_everything(line: Line, clip: dict[str, Any]) -> None:
    line.order(**REGISTER)
    line.order(op="call", number="1008", **clip)
    line.hang_up_the_line()
    assert line.engine.closed


def told(progress: list[tuple[str, dict[str, Any]]]) -> list[str]:
    return [event for event, _ in progress]


def test_a_clip_is_heard_once_its_last_packet_has_been_played_out() -> None:
    events: list[tuple[str, dict[str, Any]]] = []
    plan = CallPlan(Path("c"), 1.0, Path("r"), duration_s=1.0, quiet_s=3.0)
    progress = Progress(plan, lambda event, **fields: events.append((event, fields)))
    progress.begin(10, ptime_ms=20)
    progress.look(1.0, Counted(61, 61, 0, 0.2))
    assert told(events) == ["playing"]
    progress.look(1.1, Counted(62, 62, 0, 0.2))
    assert events[1] == ("played", {"tx_packets": 62})
    progress.expect(64)
    progress.look(1.2, Counted(66, 62, 2, 0.2))
    progress.look(1.4, Counted(70, 70, 2, 0.2))
    assert told(events) == ["playing", "played"]
    progress.look(1.6, Counted(80, 80, 2, 0.2))
    assert events[2] == ("received", {"complete": True, "rx_packets": 80})


def test_what_does_not_come_any_more_is_given_up() -> None:
    events: list[tuple[str, dict[str, Any]]] = []
    plan = CallPlan(Path("c"), 1.0, Path("r"), duration_s=1.0, quiet_s=3.0)
    progress = Progress(plan, lambda event, **fields: events.append((event, fields)))
    progress.expect(50)
    progress.look(1.0, Counted(0, 20, 0, 0.0))
    progress.look(4.5, Counted(0, 20, 0, 0.0))
    assert events[-1] == ("received", {"complete": False, "rx_packets": 20})
