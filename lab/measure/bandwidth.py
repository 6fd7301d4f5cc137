"""How much a call costs where it is looked at: kbit/s at IP and at Ethernet level."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from lab.errors import LabError
from lab.measure.capture import Address, Capture
from lab.measure.octets import Flags
from lab.measure.packets import SYN
from lab.measure.rtp import Stream
from lab.measure.tunnels import TCP

ETHERNET_HEADER_BYTES = 14
"""Counted for every IP packet, also where the capture shows none (a tunnel); no check
sequence, preamble, gap or VLAN tag, as tcpdump sees frames and as the paper counts
(G.711 every 20 ms is 85.6 kbit/s)."""


@dataclass(frozen=True, slots=True)
class Between:
    """Traffic between two sides; `near_to_far` is what the near side sends."""

    near: frozenset[Address]
    far: frozenset[Address]
    """Empty: anyone."""

    @classmethod
    def hosts(cls, near: Address, far: Address | None = None) -> Between:
        """Between two addresses, or between one and all others."""
        return cls(frozenset({near}), frozenset() if far is None else frozenset({far}))

    def directions(self, capture: Capture) -> tuple[Flags, Flags]:
        """Which packets go from near to far, and which from far to near."""
        out = capture.touching(self.near, capture.source)
        back = capture.touching(self.near, capture.destination)
        if self.far:
            out &= capture.touching(self.far, capture.destination)
            back &= capture.touching(self.far, capture.source)
        return out, back & ~out


@dataclass(frozen=True, slots=True)
class Window:
    """An interval of time, end not included, by the capture's clock."""

    start_ns: int
    end_ns: int

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return (self.end_ns - self.start_ns) / 1e9


@dataclass(frozen=True, slots=True)
class Rate:
    """What crossed the point in one direction, on average over the window."""

    ip_kbps: float
    eth_kbps: float
    packets: int
    """As a wire carries them: offloaded segments counted one by one."""
    ip_bytes: int


@dataclass(frozen=True, slots=True)
class PointRate:
    """The rates at one point of the path."""

    near_to_far: Rate
    far_to_near: Rate
    both: Rate
    window: Window
    offloaded_packets: int
    """Captured packets larger than the MTU, which the kernel cuts up only behind the capture."""


def media_window(streams: Iterable[Stream]) -> Window:
    """The time during which all of these streams carried media: the call's own interval.

    Raises LabError where there is no such time.
    """
    streams = tuple(streams)
    start = max((int(stream.time_ns.min()) for stream in streams), default=0)
    end = min((int(stream.time_ns.max()) for stream in streams), default=0)
    if end <= start:
        raise LabError(
            "The streams have no time in common.", "A rate is taken while all of them flow."
        )
    return Window(start, end)


def begun_connections(capture: Capture) -> Flags:
    """The packets of those TCP connections that began while the capture ran."""
    sender = capture.source << 16 | capture.source_port
    receiver = capture.destination << 16 | capture.destination_port
    connection = np.minimum(sender, receiver) << 32 | np.maximum(sender, receiver)
    opening = capture.tcp_flags & SYN > 0
    begun: Flags = (capture.protocol == TCP) & np.isin(connection, connection[opening])
    return begun


def rate_kbps(
    capture: Capture,
    between: Between,
    window: Window,
    mtu_bytes: int = 1500,
    among: Flags | None = None,
) -> PointRate:
    """The mean rate between two sides over a window, each direction and their sum.

    `among` are the packets that may count; None lets all of them.
    A TCP packet longer than `mtu_bytes` was coalesced by the network card or the kernel; it
    is counted as the segments it stands for, each with its own headers.
    Raises LabError where the window is empty.
    """
    if window.end_ns <= window.start_ns:
        raise LabError("The time over which to take a rate is empty.")
    inside = (capture.time_ns >= window.start_ns) & (capture.time_ns < window.end_ns)
    if among is not None:
        inside &= among
    out, back = (inside & direction for direction in between.directions(capture))
    coalesced = (capture.protocol == TCP) & (capture.ip_bytes > mtu_bytes)
    rates = [
        _rate(capture, chosen, coalesced & chosen, window.duration_s, mtu_bytes)
        for chosen in (out, back, out | back)
    ]
    offloaded = int(np.sum(coalesced & (out | back)))
    return PointRate(rates[0], rates[1], rates[2], window, offloaded)


def _rate(
    capture: Capture, chosen: Flags, coalesced: Flags, duration_s: float, mtu_bytes: int
) -> Rate:
    headers = capture.ip_bytes[coalesced] - capture.payload_bytes[coalesced]
    segments = -(-capture.payload_bytes[coalesced] // (mtu_bytes - headers))
    packets = int(chosen.sum()) + int((segments - 1).sum())
    ip_bytes = int(capture.ip_bytes[chosen].sum()) + int(((segments - 1) * headers).sum())
    return Rate(
        ip_kbps=ip_bytes * 8 / 1000 / duration_s,
        eth_kbps=(ip_bytes + packets * ETHERNET_HEADER_BYTES) * 8 / 1000 / duration_s,
        packets=packets,
        ip_bytes=ip_bytes,
    )
