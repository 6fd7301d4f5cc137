"""One voice packet, found again in every capture on its way."""

from __future__ import annotations

import random
from dataclasses import replace
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from forged_packets import START_NS, Frame, ethernet, ipv4, tcp, voice, write

from lab.demo.demonstrations import unwrap
from lab.demo.wrappings import Crossing, Followed, backwards, follow, forwards, voices_found
from lab.measure.call.path import EndNotes, Hop, VoicePath
from lab.measure.capture import Capture, read_capture
from lab.measure.rtp import Stream, streams

HOME, IN_TUNNEL, EXCHANGE = "10.77.16.3", "10.78.0.2", "10.78.0.1"
RELAYS = {"authority": "10.77.18.2", "relay1": "10.77.19.3", "relay2": "10.77.20.2"}
SERVER = "10.77.21.3"
COUNT = 100
BETWEEN = ("authority to relay1", "relay1 to relay2")
HOP_MS = 0.5


def speech() -> list[bytes]:
    chance = random.Random(1)
    return [chance.randbytes(160) for _ in range(COUNT)]


def wrapped(place: int, source: str, destination: str, content: bytes | None = None) -> list[Frame]:
    """What carries the voice at a place, cells that show nothing of it unless `content` is given;
    and, the other way, what carries the callee's."""
    frames = []
    for number in range(COUNT):
        at = START_NS + number * 20_000_000 + round(place * HOP_MS * 1e6)
        inside = content or random.Random(place * 1000 + number).randbytes(543)
        for shift, here, there in ((0, source, destination), (9_000_000, destination, source)):
            octets = ethernet(ipv4(tcp(inside, 40000, 9001), here, there, protocol=6))
            frames.append(Frame(at + shift, octets))
    return frames


@pytest.fixture
def captures(tmp_path: Path) -> dict[str, Capture]:
    stops = [HOME, *RELAYS.values(), SERVER]
    places = ["access", *BETWEEN, "exit"]
    files = {
        "tunnel": voice(COUNT, source=IN_TUNNEL, destination=EXCHANGE, payloads=speech()),
        **{
            name: wrapped(place + 1, stops[place], stops[place + 1])
            for place, name in enumerate(places)
        },
        "pbx-caller": voice(
            COUNT, source=IN_TUNNEL, destination=EXCHANGE, payloads=speech(),
            delays_ms=[5 * HOP_MS] * COUNT,
        ),
        "callee": voice(COUNT, source=SERVER, payloads=speech(), delays_ms=[3.0] * COUNT),
    }  # fmt: skip
    return {
        name: read_capture(write(tmp_path / f"{name}.pcap", frames))
        for name, frames in files.items()
    }


PATH = VoicePath(
    caller=EndNotes("caller", IPv4Address(HOME), IPv4Address(IN_TUNNEL), "tunnel"),
    callee=EndNotes("callee", IPv4Address(SERVER), IPv4Address(SERVER), "callee"),
    hops=(
        *(Hop(name, IPv4Address(address)) for name, address in RELAYS.items()),
        Hop("server", IPv4Address(SERVER)),
    ),
    server=Hop("server", IPv4Address(SERVER)),
    exit_machine="relay2",
    circuit=tuple(RELAYS),
)


def only(capture: Capture) -> Stream:
    [stream] = streams(capture)
    return stream


def followed_in(captures: dict[str, Capture]) -> Followed | None:
    stops = [*RELAYS.values(), SERVER]
    crossings = [
        Crossing(name, captures[name], IPv4Address(to))
        for name, to in zip(["access", *BETWEEN, "exit"], stops, strict=True)
    ]
    return follow(
        only(captures["tunnel"]), captures["tunnel"], crossings,
        only(captures["pbx-caller"]), captures["pbx-caller"], ("phone", "exchange"),
    )  # fmt: skip


def test_it_is_found_at_every_place_in_its_turn(captures: dict[str, Capture]) -> None:
    found = followed_in(captures)
    assert found
    assert found.content == speech()[COUNT // 2]
    assert found.number == 1000 + COUNT // 2
    steps = [sighting.time_ns - found.sightings[0].time_ns for sighting in found.sightings]
    assert steps == [round(place * HOP_MS * 1e6) for place in range(6)]
    assert [sighting.payload_bytes for sighting in found.sightings] == [
        172,
        543,
        543,
        543,
        543,
        172,
    ]
    assert str(found.sightings[1].source) == HOME
    assert str(found.sightings[4].destination) == SERVER
    assert found.sightings[1].what == "TCP 9001"


def test_a_packet_that_another_comes_too_near_to_is_not_taken(
    captures: dict[str, Capture], tmp_path: Path
) -> None:
    """At one place cells go by all the time, but for one moment late in the call."""
    quiet = 80
    stop, after = RELAYS["relay1"], RELAYS["authority"]
    crowd = [
        Frame(
            START_NS + number * 100_000,
            ethernet(ipv4(tcp(b"x" * 543, 40000, 9001), after, stop, protocol=6)),
        )
        for number in range(COUNT * 200)
        if abs(number - quiet * 200) > 30
    ]
    own = wrapped(2, after, stop)
    frames = sorted([*own, *crowd], key=lambda frame: frame.time_ns)
    busy = read_capture(write(tmp_path / "busy.pcap", frames))
    found = followed_in({**captures, BETWEEN[0]: busy})
    assert found
    assert found.number == 1000 + quiet


def test_where_none_arrives_after_it_was_sent_none_is_followed(
    captures: dict[str, Capture],
) -> None:
    """Tunnel and exchange swapped."""
    swapped = {**captures, "tunnel": captures["pbx-caller"], "pbx-caller": captures["tunnel"]}
    assert followed_in(swapped) is None


def test_forwards_and_backwards_agree_where_nothing_else_goes_by() -> None:
    times = [np.array([1, 10, 20]), np.array([2, 11, 21])]
    assert forwards(9, times) == backwards(12, times) == [1, 1]
    assert forwards(21, times) is None
    assert backwards(1, times) is None
    assert forwards(3, [np.array([4, 5])]) != backwards(6, [np.array([4, 5])])


def spots(captures: dict[str, Capture], readable: set[str]) -> dict[str, unwrap.Spot]:
    return {
        name: unwrap.Spot(name, capture, float(name in readable))
        for name, capture in captures.items()
    }


def test_voice_is_found_where_it_is_in_the_clear(captures: dict[str, Capture]) -> None:
    sent = only(captures["tunnel"])
    found = {name: voices_found(sent, capture) for name, capture in captures.items()}
    assert found == {
        "tunnel": 1.0, "access": 0.0, **dict.fromkeys(BETWEEN, 0.0), "exit": 0.0,
        "pbx-caller": 1.0, "callee": 1.0,
    }  # fmt: skip


def test_what_each_sees(captures: dict[str, Capture]) -> None:
    knowers = unwrap.knowers_of(PATH, spots(captures, {"tunnel", "pbx-caller", "callee"}))
    assert [(k.name, k.role, k.sees_caller, k.sees_server, k.reads_voice) for k in knowers] == [
        ("authority", "guard", True, False, False),
        ("relay1", "middle", False, False, False),
        ("relay2", "exit", False, True, False),
        ("server", "VPN server", False, True, True),
    ]
    closing = unwrap._closing(knowers)
    assert (closing.right, closing.lesson) == (1, 1)
    leaky = [replace(k, reads_voice=True, sees_caller=True) for k in knowers]
    assert unwrap._closing(leaky).right == 0


@pytest.mark.parametrize(
    ("readable", "came"),
    [
        ({"tunnel", "pbx-caller"}, 2),
        ({"tunnel", "exit", "pbx-caller"}, 1),
        ({"tunnel", "access", "exit", "pbx-caller"}, 0),
        ({"tunnel"}, 3),
    ],
)
def test_which_prediction_the_captures_bear_out(
    captures: dict[str, Capture], readable: set[str], came: int
) -> None:
    found = spots(captures, readable)
    assert unwrap.came_of(unwrap.knowers_of(PATH, found), list(found.values())) == came


def test_what_unwrap_comes_to_names_the_packet(captures: dict[str, Capture]) -> None:
    found: Any = followed_in(captures)
    places = spots(captures, {"tunnel", "pbx-caller", "callee"})
    shown = unwrap._shown(found, list(places.values()), unwrap.knowers_of(PATH, places))
    assert shown.came == unwrap.DEMONSTRATION.expected
    assert shown.closing.right == shown.closing.lesson
    assert f"Packet {found.number} of the caller's voice holds 160 bytes" in shown.findings[0]
    assert "found as they were sent inside the tunnel, at the PBX" in shown.findings[2]
    assert len(shown.tables[0].rows) == 6
