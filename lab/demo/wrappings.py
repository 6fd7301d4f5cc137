"""One voice packet of a call, found again in every capture on its way, whatever wraps it there.

Where it is encrypted nothing in it tells which one it is: its time does. All captures are stamped
by one clock, and packets of a quiet call are further apart than they are long under way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address

import numpy as np

from lab.measure.capture import Address, Capture
from lab.measure.matching import match
from lab.measure.pcap import Ints
from lab.measure.rtp import Stream
from lab.measure.tunnels import TCP, UDP

SAMPLED = 100
"""Voice packets that are looked for in a capture's bytes."""
DISTINCT_BYTES = 24
"""A packet has so many different bytes, or it could be silence, which is found anywhere."""
SHOWN_BYTES = 16


@dataclass(frozen=True, slots=True)
class Crossing:
    """A place on the way at which packets go by whose content is not known."""

    place: str
    """In words."""
    capture: Capture
    to: IPv4Address
    """Where those that go towards the callee are addressed to."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """The packet at one place."""

    place: str
    time_ns: int
    source: Address
    destination: Address
    what: str
    """Protocol and destination port."""
    payload_bytes: int
    """Behind the UDP or TCP header, on the wire."""
    head: bytes
    """Its first bytes."""


@dataclass(frozen=True, slots=True)
class Followed:
    """The packet, from where its phone sent it to where it is in the clear again."""

    number: int
    """Its RTP sequence number."""
    content: bytes
    """The voice in it, as the phone coded it."""
    sightings: tuple[Sighting, ...]


def follow(
    sent: Stream,
    sending: Capture,
    crossings: Sequence[Crossing],
    arrived: Stream,
    arriving: Capture,
    ends: tuple[str, str],
) -> Followed | None:
    """Follow a packet of the stream `sent`, in `sending`, to where it is one of `arrived`.

    `ends` are the places of these two. It is one of those in the middle of the call for which the
    packet that goes by next, place by place, is also the one that went by last when looked at from
    its arrival. None where there is none.
    """
    pairs = match(sent, arrived)
    columns = [_towards(crossing) for crossing in crossings]
    times = [
        crossing.capture.time_ns[column]
        for crossing, column in zip(crossings, columns, strict=True)
    ]
    sent_ns = np.sort(sent.time_ns)
    middle = len(pairs) // 2
    for place in sorted(range(len(pairs)), key=lambda place: abs(place - middle)):
        first, last = int(pairs.sent[place]), int(pairs.received[place])
        if not _tells(sent.payload(first)):
            continue
        start_ns, end_ns = int(sent.time_ns[first]), int(arrived.time_ns[last])
        on = forwards(start_ns, times)
        if on is None or on != backwards(end_ns, times):
            continue
        earliest_ns = int(times[0][on[0]]) if on else end_ns
        if sent_ns[np.searchsorted(sent_ns, earliest_ns, "right") - 1] != start_ns:
            continue
        seen = [
            _sighting(crossing.place, crossing.capture, int(column[at]))
            for crossing, column, at in zip(crossings, columns, on, strict=True)
        ]
        return Followed(
            int(sent.sequence[first]) & 0xFFFF,
            sent.payload(first),
            (
                _sighting(ends[0], sending, _row(sending, sent, first)),
                *seen,
                _sighting(ends[1], arriving, _row(arriving, arrived, last)),
            ),
        )
    return None


def forwards(start_ns: int, times: Sequence[Ints]) -> list[int] | None:
    """At each place the first packet not before that of the place before; None where one ends."""
    on = []
    for column in times:
        at = int(np.searchsorted(column, start_ns, "left"))
        if at == len(column):
            return None
        start_ns = int(column[at])
        on.append(at)
    return on


def backwards(end_ns: int, times: Sequence[Ints]) -> list[int] | None:
    """The same from the end: at each place the last one not after that of the place behind."""
    back = []
    for column in reversed(times):
        at = int(np.searchsorted(column, end_ns, "right")) - 1
        if at < 0:
            return None
        end_ns = int(column[at])
        back.append(at)
    return back[::-1]


def voices_found(sent: Stream, capture: Capture) -> float:
    """The share of some voice packets of `sent` whose content stands in a capture's bytes."""
    telling = [packet for packet in range(len(sent)) if _tells(sent.payload(packet))]
    chosen = telling[:: max(1, len(telling) // SAMPLED)]
    if not chosen:
        return 0.0
    content = capture.data.tobytes()
    return sum(sent.payload(packet) in content for packet in chosen) / len(chosen)


def steps_ms(followed: Followed) -> list[float]:
    """How long after its sending the packet went by, place by place."""
    start_ns = followed.sightings[0].time_ns
    return [(sighting.time_ns - start_ns) / 1e6 for sighting in followed.sightings]


def _tells(content: bytes) -> bool:
    return len(set(content)) >= DISTINCT_BYTES


def _towards(crossing: Crossing) -> Ints:
    """The packets with content that go on towards the callee, in order of time."""
    capture = crossing.capture
    going = capture.touching(frozenset({crossing.to}), capture.destination)
    chosen = np.flatnonzero(going & (capture.payload_bytes > 0))
    order: Ints = chosen[np.argsort(capture.time_ns[chosen], kind="stable")]
    return order


def _row(capture: Capture, stream: Stream, packet: int) -> int:
    """Where a packet of a stream stands in its capture: its content lies at the same place."""
    behind = capture.payload_start <= stream.payload_start[packet]
    ends = capture.payload_start + capture.payload_captured_bytes
    return int(np.flatnonzero(behind & (stream.payload_start[packet] < ends))[0])


def _sighting(place: str, capture: Capture, row: int) -> Sighting:
    protocol = {TCP: "TCP", UDP: "UDP"}.get(int(capture.protocol[row]), "IP")
    return Sighting(
        place=place,
        time_ns=int(capture.time_ns[row]),
        source=capture.addresses[int(capture.source[row])],
        destination=capture.addresses[int(capture.destination[row])],
        what=f"{protocol} {int(capture.destination_port[row])}",
        payload_bytes=int(capture.payload_bytes[row]),
        head=capture.payload(row)[:SHOWN_BYTES],
    )
