"""Live captures for whoever looks: begun once, shared, and ended with the call or the viewer."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from capturable_lab import lab_of
from forged_packets import START_NS, pcap, voice
from stand_in_tcpdump import FAILS, StandIn
from web_call import BEGAN

from lab.calls.methods import METHODS
from lab.capturing import live
from lab.capturing.packet import read_packet
from lab.capturing.place import Place
from lab.ends import CALLEE, CALLER, EACH_END
from lab.engine.agent import Agent
from lab.engine.discovery import RunningNode
from lab.web.call import live_voice
from lab.web.call.live_match import Matching
from lab.web.call.live_voice import LiveVoice, Session, in_the_clear, method_of
from lab.web.hub import Hub
from lab.web.now import CallNow, LabNow
from lab.wire.pcap_stream import HEADER_BYTES, records

LAB = lab_of("paper", *(RunningNode(end, "endpoint", end, "running", None) for end in EACH_END))
PATH = METHODS.named("sip").way.load().plan(LAB, 0)
HOME, OFFICE, SERVER = str(PATH.caller.address), str(PATH.callee.address), str(PATH.server.address)
PACKETS = 150
SOON_S = 15.0
Captures = dict[str, StandIn]


def call(method: str = "sip", stage: str = "starting captures") -> CallNow:
    return CallNow("20260101T000000-3fa9c1", method, "PCMU", None, BEGAN, stage)


def hub_with(under_way: CallNow | None) -> Hub:
    now = LabNow(lab="demo", is_up=True, call=under_way)
    return cast(Hub, SimpleNamespace(client=None, now=now))


def soon(happens: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + SOON_S
    while not happens() and time.monotonic() < deadline:
        time.sleep(0.02)
    return happens()


@pytest.fixture
def captures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Captures:
    """What the captures at both ends show, of a call with 30 ms of delay that begins soon."""
    delays = [30.0] * PACKETS
    soon_ns = time.time_ns() + round(SOON_S * 1e9)
    there = voice(PACKETS, source=HOME, destination=SERVER, start_ns=soon_ns)
    came = voice(PACKETS, source=SERVER, destination=OFFICE, delays_ms=delays, start_ns=soon_ns)
    made = {}
    for end, frames in ((CALLER, there), (CALLEE, came)):
        (tmp_path / end).mkdir()
        made[end] = StandIn(tmp_path / end, frames)
    begun: list[str] = []

    def start(_lab: object, machine: str, _image: str, _owner: object) -> Agent:
        begun.append(machine)
        return made[machine].agent()

    monkeypatch.setattr(live, "start_live_capture", start)
    monkeypatch.setattr(live_voice, "open_lab_as_it_is", lambda *_: LAB)
    monkeypatch.setattr(
        live_voice, "_places", lambda *_: {end: Place(end, end, "lo", None) for end in EACH_END}
    )
    return made


def all_came(session: Session) -> bool:
    return CALLEE in session.windows() and session.windows()[CALLEE].came == PACKETS


def test_viewers_share_the_captures_of_a_call(captures: Captures) -> None:
    voice_of = LiveVoice(hub_with(call()))
    session = voice_of.look()
    assert session is not None
    assert voice_of.look() is session, "another viewer"
    assert soon(lambda: all_came(session))
    assert set(session.windows()[CALLEE].delay_ms) == {30.0}
    assert session.trouble is None
    voice_of.hub.now.call = None
    assert all(captures[end].ends_within(SOON_S) for end in EACH_END)


def test_they_end_when_nobody_looks_any_more(
    captures: Captures, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_voice, "GONE_S", 0.3)
    voice_of = LiveVoice(hub_with(call()))
    first = voice_of.look()
    assert first is not None
    while not first.capturing:
        first.look()
        time.sleep(0.02)
    assert all(captures[end].ends_within(SOON_S) for end in EACH_END)
    assert voice_of.look() is not first, "who looks again has new ones"
    voice_of.hub.now.call = None


def test_inside_a_tunnel_it_begins_when_the_path_is_open(captures: Captures) -> None:
    voice_of = LiveVoice(hub_with(call("v-tor", "opening the path")))
    session = voice_of.look()
    assert session is not None
    assert soon(lambda: list(session._captured_since_ns) == [CALLEE])
    voice_of.hub.now.call = call("v-tor")
    assert soon(lambda: session.capturing)
    assert voice_of.look() is session
    voice_of.hub.now.call = None
    assert all(captures[end].ends_within(SOON_S) for end in EACH_END)


def test_what_was_sent_before_the_other_end_was_captured_is_not_missed() -> None:
    """The capture at the callee begins with the tenth packet, and nobody saw the first."""
    session = seen_by({CALLER: -1.0, CALLEE: 0.2}, missed=10)
    window = session.windows()[CALLEE]
    assert (len(window.overdue_s), len(window.delay_ms)) == (0, PACKETS - 10)
    assert session.saw_the_beginning(CALLEE)


def test_the_beginning_is_known_where_either_end_saw_it() -> None:
    """The caller's capture begins with the voice under way: the callee's has seen its first."""
    session = seen_by({CALLER: 0.5, CALLEE: -1.0}, not_sent=25)
    assert session.saw_the_beginning(CALLEE)
    window = session.windows()[CALLEE]
    assert window.sent_s[0] == pytest.approx(0.5)
    assert window.now_s == pytest.approx(0.02 * (PACKETS - 1))
    assert not seen_by({CALLER: 0.5, CALLEE: 0.5}, 25, 25).saw_the_beginning(CALLEE)


def seen_by(since_s: dict[str, float], missed: int = 0, not_sent: int = 0) -> Session:
    """A session whose captures began then, after the first packet; each has missed so many."""
    session = Session.__new__(Session)
    session._one_at_a_time = threading.Lock()
    session._before_voice, session._clock_hz = True, 8000
    session._captured_since_ns = {
        end: START_NS + round(at_s * 1e9) for end, at_s in since_s.items()
    }
    session._matching = Matching({CALLER: PATH.caller.address, CALLEE: PATH.callee.address})
    there = voice(PACKETS, source=HOME, destination=SERVER)
    came = voice(PACKETS, source=SERVER, destination=OFFICE, delays_ms=[30.0] * PACKETS)
    for end, frames in ((CALLER, there[not_sent:]), (CALLEE, came[missed:])):
        captured = pcap(frames, tick_ns=1)
        session.enter(end, [read_packet(each, 1) for each in records(captured, HEADER_BYTES)])
    return session


@pytest.mark.parametrize("stage", ["measuring", "measuring what bandwidth is left"])
def test_they_end_with_the_voice(stage: str, captures: Captures) -> None:
    voice_of = LiveVoice(hub_with(call()))
    session = voice_of.look()
    assert session is not None
    assert soon(lambda: session.capturing)
    voice_of.hub.now.call = call(stage=stage)
    assert voice_of.look() is None
    assert all(captures[end].ends_within(SOON_S) for end in EACH_END)


def test_a_capture_that_fails_is_told_and_not_begun_again(captures: Captures) -> None:
    (captures[CALLEE].directory / FAILS).touch()
    voice_of = LiveVoice(hub_with(call()))
    session = voice_of.look()
    assert session is not None
    assert soon(lambda: session.trouble is not None)
    assert "interface disappeared" in str(session.trouble)
    assert voice_of.look() is session
    voice_of.hub.now.call = None
    assert captures[CALLER].ends_within(SOON_S)


def test_nothing_is_captured_before_the_path_is_being_opened() -> None:
    assert LiveVoice(hub_with(call(stage=""))).look() is None
    assert LiveVoice(hub_with(None)).look() is None


def test_voice_that_is_encrypted_is_not_captured() -> None:
    clear = {method.name for method in METHODS if in_the_clear(method)}
    assert {"sip", "vpn", "v-tor", "v-onion"} <= clear
    assert not {"mumble", "m-tor", "m-onion", "webrtc", "w-tor"} & clear
    assert LiveVoice(hub_with(call("mumble"))).look() is None


def test_whom_a_call_hides_is_seen_by_its_circuits() -> None:
    one = replace(call("v-tor"), circuits={CALLER: ("a", "b", "c")})
    both = replace(one, circuits={CALLER: ("a", "b", "c"), CALLEE: ("d", "e", "f")})
    names = [
        [point.name for point in method.points]
        for each in (one, both)
        if (method := method_of(each)) is not None
    ]
    assert "callee_tunnel" not in names[0]
    assert "callee_tunnel" in names[1]
    assert method_of(call("telepathy")) is None
