"""A call between two Mumble clients, as the host sees it: orders out, events in, failures."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from ipaddress import IPv4Address
from pathlib import Path, PurePosixPath
from typing import Any

from forged_packets import CALLEE, CALLER, START_NS, Frame, ethernet, ipv4, tcp, write

from lab.calls.methods import METHODS
from lab.calls.mumble.client import (
    Deadlines,
    Joining,
    MumbleClient,
    SocksProxy,
    TalkOrder,
    converse,
)
from lab.calls.mumble.encoder import OpusSettings
from lab.calls.paths.m_tor import packets_between
from lab.measure.capture import read_capture
from lab.sweep.point import Point
from lab.wire.playout import FIXED

ANSWERS: dict[str, list[dict[str, Any]]] = {
    "join": [{"event": "joined", "setup_ms": 12.0}],
    "talk": [{"event": "playing"}, {"event": "played", "packets": 1500}],
    "expect": [{"event": "received", "packets": 1500, "complete": True}],
    "leave": [{"event": "done"}],
}
SOON = Deadlines(start_s=0.1, late_s=0.1, finish_s=0.1)


class FakeClient:
    """Answers every order as a client would, or with what a test says."""

    def __init__(self, **answers: list[dict[str, Any]]) -> None:
        self.orders: list[dict[str, Any]] = []
        self._answers = {**ANSWERS, **answers}
        self._events: deque[dict[str, Any]] = deque()

    def send(self, message: dict[str, Any]) -> None:
        self.orders.append(message)
        self._events.extend(self._answers[message["op"]])

    def receive(self, timeout_s: float) -> dict[str, Any]:
        if not self._events:
            raise TimeoutError
        event = self._events.popleft()
        if event["event"] == "ended":
            raise EOFError("exit status 1")
        return event


def call(caller: FakeClient, callee: FakeClient) -> str | None:
    proxy = SocksProxy("127.0.0.1", 9050, "call", "secret")
    joining = Joining(
        IPv4Address("10.0.0.9"), 64738, "ab", "caller", "callee", "call-1", False, proxy, 0.1
    )
    other = replace(joining, name="callee", peer="caller", creates=True, proxy=None)
    order = TalkOrder(
        PurePosixPath("/clip.wav"),
        30.0,
        PurePosixPath("/calls/1"),
        "caller",
        16000,
        OpusSettings(),
        {"": FIXED},
    )
    return converse(
        MumbleClient("caller", caller),
        MumbleClient("callee", callee),
        (joining, other),
        (order, replace(order, end="callee")),
        0.1,
        SOON,
    )


def test_a_call_is_joining_talking_hearing_everything_and_leaving() -> None:
    caller, callee = FakeClient(), FakeClient()
    assert call(caller, callee) is None
    assert [order["op"] for order in caller.orders] == ["join", "talk", "expect", "leave"]
    assert caller.orders[0]["proxy"]["user"] == "call"
    assert callee.orders[0]["proxy"] is None
    assert caller.orders[2]["packets"] == 1500
    assert callee.orders[1]["received_log"] == "/calls/1/callee-received.csv"


def test_what_a_client_reports_is_the_reason() -> None:
    full = [{"event": "failed", "stage": "join", "reason": "Server is full"}]
    assert call(FakeClient(join=full), FakeClient()) == "caller: join failed: Server is full"


def test_a_client_that_ends_or_hangs_is_the_reason() -> None:
    assert call(FakeClient(), FakeClient(talk=[{"event": "ended"}])) == (
        "callee: the client ended: exit status 1"
    )
    silent = call(FakeClient(expect=[]), FakeClient())
    assert silent == "caller: no 'received' within 0.1 s (last came 'played')"


def test_mumble_points_carry_opus_whatever_the_phones_were_to_carry() -> None:
    assert Point("m-tor", "GSM").normalised() == Point("m-tor", "PCMU").normalised()
    assert Point("m-tor").normalised().codec == "OPUS"
    assert Point("v-tor", "GSM").normalised().codec == "GSM"
    assert METHODS.named("m-tor").codec().name == "OPUS"


def test_encoder_and_playout_are_told_in_words() -> None:
    assert str(OpusSettings()) == "Opus 40 kbit/s constant, 20 ms packets"
    assert str(FIXED) == "fixed 200 ms, at most 2000 ms"


def test_a_single_packet_past_tor_is_seen(tmp_path: Path) -> None:
    guard, murmur = "10.0.3.1", "10.0.9.1"
    through = [ethernet(ipv4(tcp(b"x"), CALLER, guard, protocol=6))] * 5
    past = ethernet(ipv4(tcp(b"x"), murmur, CALLER, protocol=6))
    other = ethernet(ipv4(tcp(b"x"), CALLEE, murmur, protocol=6))
    counts = []
    for name, packets in (("clean", [*through, other]), ("leaky", [*through, other, past])):
        frames = [Frame(START_NS + n, octets) for n, octets in enumerate(packets)]
        capture = read_capture(write(tmp_path / name, frames))
        counts.append(packets_between(capture, IPv4Address(CALLER), [IPv4Address(murmur)]))
    assert counts == [0, 1]
