"""Many Mumble clients in one process: each keeps its own pace, and the end of one is its own."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from ipaddress import IPv4Address
from pathlib import PurePosixPath
from typing import Any

import pytest

from lab.agents.load import mumble_calls as background_mumble
from lab.agents.load.mumble_calls import MumbleCalls
from lab.agents.mumble.crowd import Crowd, LatenessCounter, Member
from lab.agents.mumble.framing import Kind
from lab.agents.mumble.session import RefusedError, Session
from lab.agents.mumble.voice import number, pack_voice, unpack_voice
from lab.agents.net.connection import ConnectionFailedError
from lab.wire.load import Lateness, TalkMumble
from lab.wire.mumble import MumbleServer
from lab.wire.voice_client import OpusSettings

PTIME_MS = 20
CLIP = [bytes([value]) * 100 for value in range(50)]
RELAYED = pack_voice(0, b"x" * 100, last=False)
VOICE = RELAYED[:1] + number(7) + RELAYED[1:]
"""A packet as the server hands it on: with the speaker's session."""


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


class FakeSocket:
    """What the loop waits for: readable while `other` has written and nobody has read."""

    def __init__(self) -> None:
        self.own, self.other = socket.socketpair()
        self.wants_to_send = False

    def fileno(self) -> int:
        return self.own.fileno()

    def flush(self) -> None:
        self.wants_to_send = False


class FakeSession:
    """A session whose server hands on one voice packet per byte written to `secure.other`."""

    def __init__(self, peer: str) -> None:
        self.secure = FakeSocket()
        self.users = {peer: 7}
        self.on_voice: Callable[[bytes], None] = lambda _: None
        self.voice: list[bytes] = []
        self.pinged = 0

    def send(self, kind: Kind, body: bytes) -> None:
        assert kind is Kind.UDP_TUNNEL
        self.voice.append(body)

    def read(self) -> None:
        came = self.secure.own.recv(100)
        if not came:
            raise ConnectionFailedError("the server ended the connection")
        for _ in came:
            self.on_voice(VOICE)

    def keep_alive(self) -> None:
        self.pinged += 1

    def enter(self, *_: Any) -> int:
        return 7

    def close(self) -> None:
        self.secure.own.close()


@pytest.fixture
def crowd() -> Iterator[Crowd]:
    crowd = Crowd(CLIP, PTIME_MS)
    threading.Thread(target=crowd.run, daemon=True).start()
    yield crowd
    crowd.stop()


def member(number: int) -> tuple[Member, FakeSession]:
    session = FakeSession(f"peer-{number}")
    return Member(number, session, f"peer-{number}"), session  # type: ignore[arg-type]


def test_every_member_sends_every_packet_in_its_order(crowd: Crowd) -> None:
    made = [member(number) for number in range(3)]
    for one, _ in made:
        crowd.add(one)
    wait_until(lambda: all(len(session.voice) >= 10 for _, session in made))
    for _, session in made:
        # The server adds the session; what a client sends has none.
        sent = [unpack_voice(body[:1] + b"\x07" + body[1:]) for body in session.voice[:10]]
        assert [packet.sequence for packet in sent if packet] == list(range(0, 20, 2))
        places = [packet.opus[0] for packet in sent if packet]
        assert places == [(places[0] + step) % len(CLIP) for step in range(10)]
        assert session.pinged >= 1
    assert len({session.voice[0] for _, session in made}) == 3, "each is elsewhere in the clip"


def test_what_is_heard_is_counted_for_each(crowd: Crowd) -> None:
    (one, session), (other, _) = member(0), member(1)
    crowd.add(one)
    crowd.add(other)
    session.secure.other.send(b"...")
    wait_until(lambda: one.heard_bytes > 0)
    wait_until(lambda: one.heard_bytes == 300)
    assert other.heard_bytes == 0


def test_the_end_of_one_is_told_and_the_others_go_on(crowd: Crowd) -> None:
    (one, session), (left, leaver), (other, rest) = member(0), member(1), member(2)
    for each in (one, left, other):
        crowd.add(each)
    wait_until(lambda: min(one.sent, left.sent, other.sent) > 0)
    session.secure.other.close()
    leaver.users.clear()
    leaver.secure.other.send(b".")
    wait_until(lambda: None not in (one.failure, left.failure))
    assert one.failure == "the server ended the connection"
    assert left.failure == "peer-1 left"
    sent = len(rest.voice)
    wait_until(lambda: len(rest.voice) > sent + 3)
    assert other.failure is None
    assert one.sent == len(session.voice)


def test_lateness_is_that_of_the_time_since_it_was_taken() -> None:
    lateness = LatenessCounter()
    for late_ms in [0.2] * 98 + [3.4, 70.5]:
        lateness.note(late_ms / 1000)
    assert lateness.take() == Lateness(4.0, 71.0)
    assert lateness.take() == Lateness(None, None)


ORDER = TalkMumble(
    count=3,
    end="near",
    peer="far",
    token="t",
    server=MumbleServer(IPv4Address("10.0.0.9"), 64738, "ab"),
    creates=False,
    socks_port=9050,
    clip=PurePosixPath("/clip.wav"),
    opus=OpusSettings(),
    spacing_s=0.1,
)


def test_each_call_has_names_a_channel_and_a_circuit_of_its_own(
    crowd: Crowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = []

    def open_session(account: Any, deadline: float, on_voice: Any) -> FakeSession:
        opened.append(account)
        if account.name == "near-t-1":
            raise RefusedError("Server is full")
        return FakeSession(account.name.replace("near", "far"))

    monkeypatch.setattr(Session, "open", open_session)
    calls = MumbleCalls(ORDER, crowd)
    for _ in range(3):
        calls.start_next()
        calls.started += 1
    wait_until(lambda: calls.connected() == 2 and calls.report([], []).sent_bytes)
    assert {account.proxy.user for account in opened} == {"near-t-0", "near-t-1", "near-t-2"}
    assert [(death.stream, death.reason) for death in calls.deaths(1.0)] == [(1, "Server is full")]
    assert calls.deaths(2.0) == [], "told once"
    assert calls.counted_bytes() == [0, 0, 0]


def test_a_call_that_falls_silent_is_dead(crowd: Crowd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background_mumble, "SILENT_S", 0.05)
    session = FakeSession("far-t-0")
    monkeypatch.setattr(Session, "open", lambda *_: session)
    calls = MumbleCalls(replace(ORDER, count=1), crowd)
    calls.start_next()
    wait_until(lambda: calls.connected() == 1)
    time.sleep(0.1)
    assert calls.deaths(1.0) == [], "the peer may come later"
    session.on_voice(RELAYED[:1] + number(7) + RELAYED[1:])
    found: list[str] = []

    def told() -> bool:
        found.extend(death.reason for death in calls.deaths(1.0))
        return bool(found)

    wait_until(told)
    assert found == ["nothing came for 0 s"]
