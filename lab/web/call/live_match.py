"""The voice of a call under way, from two captures as they come: which packet is which, how late.

A packet is known by its SSRC, sequence number and timestamp (RFC 3550, 5.1): the number alone
comes again after 65536 packets. The captures tell of packets in any order, so what one shows
waits for the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from typing import NamedTuple

import numpy as np

from lab.capturing.packet import Packet
from lab.ends import EACH_END, OTHER_END
from lab.measure.capture import Floats
from lab.measure.rtp_packets import HEADER_BYTES, RTCP_TYPES

WINDOW_S = 20.0
"""How much of the past is shown."""
KEPT_S = 30.0
"""For how long a packet is waited for at the other end."""
OVERDUE_S = 1.0
"""What was sent longer ago and has not come is shown as such; it may come yet."""
LEAST_UNMATCHED = 100
"""So many packets at both ends of which none is at both: they are numbered anew on the way."""
_VERSION = 2


class Key(NamedTuple):
    """What tells one packet of a call from every other."""

    ssrc: int
    sequence: int
    timestamp: int


def key_of(packet: Packet) -> Key | None:
    """What an RTP packet is known by; None for anything else."""
    data = packet.payload
    if packet.protocol != "udp" or packet.later_fragment or len(data) < HEADER_BYTES:
        return None
    if data[0] >> 6 != _VERSION or data[1] & 0x7F in RTCP_TYPES:
        return None
    return Key(int.from_bytes(data[8:12]), int.from_bytes(data[2:4]), int.from_bytes(data[4:8]))


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """What is known of the last `WINDOW_S` of one direction, in order of sending."""

    now_s: float
    """The newest packet that was sent, s since the voice began, as far as that is known."""
    sent_s: Floats
    """Of the packets that came: when they were sent, likewise."""
    delay_ms: Floats
    """Of the same packets, one way."""
    overdue_s: Floats
    """When those were sent that have not come."""
    least_ms: float | None
    """The least delay of the call so far; None before a packet was matched."""
    sent: int
    """Packets so far."""
    came: int
    renumbered: bool
    """Whether what arrives is numbered anew on the way, so that nothing can be matched."""


@dataclass(slots=True)
class _Seen:
    sent_ns: int | None = None
    came_ns: int | None = None


class First(NamedTuple):
    """The first packet that a capture has shown of a direction."""

    timestamp: int
    time_ns: int


@dataclass(slots=True)
class Passing:
    """One direction of a call's voice."""

    first_sent: First | None = None
    first_came: First | None = None
    _first_match: First | None = None
    """By when it was sent."""
    _last_ns: int = 0
    _newest_ns: int = 0
    _packets: dict[Key, _Seen] = field(default_factory=dict)
    _sent: int = 0
    _came: int = 0
    _arrived: int = 0
    _least_ns: int | None = None

    def sent(self, key: Key, time_ns: int) -> None:
        """A packet at the end that sends; what a capture shows twice counts once."""
        seen = self._packets.setdefault(key, _Seen())
        if seen.sent_ns is not None:
            return
        seen.sent_ns = time_ns
        self._sent += 1
        self.first_sent = self.first_sent or First(key.timestamp, time_ns)
        self._last_ns = max(self._last_ns, time_ns)
        self._match(key, seen)
        self._forget(time_ns)

    def came(self, key: Key, time_ns: int) -> None:
        """A packet at the end that receives."""
        seen = self._packets.setdefault(key, _Seen())
        if seen.came_ns is not None:
            return
        seen.came_ns = time_ns
        self._arrived += 1
        self.first_came = self.first_came or First(key.timestamp, time_ns)
        self._match(key, seen)
        self._forget(time_ns)

    def _match(self, key: Key, seen: _Seen) -> None:
        if seen.sent_ns is None or seen.came_ns is None:
            return
        delay_ns = seen.came_ns - seen.sent_ns
        self._least_ns = delay_ns if self._least_ns is None else min(self._least_ns, delay_ns)
        self._first_match = self._first_match or First(key.timestamp, seen.sent_ns)
        self._came += 1

    def _forget(self, time_ns: int) -> None:
        self._newest_ns = max(self._newest_ns, time_ns)
        horizon_ns = self._newest_ns - round(KEPT_S * 1e9)
        while self._packets:
            key, seen = next(iter(self._packets.items()))
            if max(seen.sent_ns or 0, seen.came_ns or 0) >= horizon_ns:
                return
            del self._packets[key]

    def began_ns(self, clock_hz: int) -> int | None:
        """When the packet was sent that was the first to come, by the timestamps of both.

        It may have been sent before the capture at that end began. None before a packet was
        matched.
        """
        if self.first_came is None or self._first_match is None:
            return None
        units = (self._first_match.timestamp - self.first_came.timestamp) % (1 << 32)
        if units >= 1 << 31:
            units -= 1 << 32
        return self._first_match.time_ns - round(units * 1e9 / clock_hz)

    def window(self, zero_ns: int | None = None, since_ns: int = 0) -> Window:
        """What is known now, in times since `zero_ns`, or since the first packet that was seen.

        What was sent before `since_ns` is left out: the capture at the other end had not begun.
        """
        if zero_ns is None:
            zero_ns = self.first_sent.time_ns if self.first_sent else 0
        from_ns = max(since_ns, self._last_ns - round(WINDOW_S * 1e9))
        overdue_ns = self._newest_ns - round(OVERDUE_S * 1e9)
        came: list[tuple[int, int]] = []
        overdue: list[int] = []
        for seen in self._packets.values():
            if seen.sent_ns is None or seen.sent_ns < from_ns:
                continue
            if seen.came_ns is not None:
                came.append((seen.sent_ns, seen.came_ns))
            elif seen.sent_ns < overdue_ns:
                overdue.append(seen.sent_ns)
        times = np.array(sorted(came), np.int64).reshape(-1, 2)
        return Window(
            now_s=(self._last_ns - zero_ns) / 1e9 if self._sent else 0.0,
            sent_s=(times[:, 0] - zero_ns) / 1e9,
            delay_ms=(times[:, 1] - times[:, 0]) / 1e6,
            overdue_s=(np.array(sorted(overdue), np.int64) - zero_ns) / 1e9,
            least_ms=None if self._least_ns is None else self._least_ns / 1e6,
            sent=self._sent,
            came=self._came,
            renumbered=not self._came and min(self._sent, self._arrived) >= LEAST_UNMATCHED,
        )


class Matching:
    """Both directions of a call, by the end that hears them."""

    def __init__(self, addresses: Mapping[str, IPv4Address]) -> None:
        """`addresses` are those from which the voice of either end leaves."""
        self.towards = {end: Passing() for end in EACH_END}
        self._addresses = dict(addresses)

    def enter(self, end: str, packet: Packet) -> None:
        """Take in what the capture at an end has shown."""
        key = key_of(packet)
        if key is None:
            return
        own = self._addresses[end]
        if packet.source == own:
            self.towards[OTHER_END[end]].sent(key, packet.time_ns)
        elif packet.destination == own:
            self.towards[end].came(key, packet.time_ns)
