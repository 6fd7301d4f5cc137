"""Captures, pings, a timer and a watch on links beside one machine in a call (`probe.probe`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from pathlib import PurePosixPath

from lab.wire.messages import Dialogue, Event, Order
from lab.wire.shape import Shape


@dataclass(frozen=True, slots=True)
class CapturePoint:
    """Where and what to capture: on the interface of that name, or with that address."""

    point: str
    file: PurePosixPath
    filter: str
    """In pcap-filter(7)'s words."""
    address: IPv4Address | None = None
    interface: str | None = None


@dataclass(frozen=True, slots=True)
class Ping:
    """Measure round trips, one a second."""

    source: IPv4Address
    target: IPv4Address


@dataclass(frozen=True, slots=True)
class Observe(Order):
    """Begin all of it: `Observing` when every capture runs."""

    captures: tuple[CapturePoint, ...]
    ping: Ping | None = None
    timer: bool = False
    """Whether to watch the host's scheduling, and its clock."""
    links: Mapping[str, IPv4Address] = field(default_factory=dict)
    """Network → the machine's address on it, of the links whose shapes are to be watched."""


@dataclass(frozen=True, slots=True)
class Observing(Event):
    """From now on nothing is missed."""


@dataclass(frozen=True, slots=True)
class EndObservation(Order):
    """End all of it: `Observed`."""


@dataclass(frozen=True, slots=True)
class CaptureCounts:
    """Packets, as tcpdump counts them; None where it did not say."""

    captured: int | None
    dropped: int | None
    """By the kernel: they are not in the file."""


@dataclass(frozen=True, slots=True)
class RoundTrips:
    """What ping counted, and every round trip."""

    sent: int | None
    received: int | None
    rtt_ms: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Scheduling:
    """How late the host woke a process, and by how much its clock was set meanwhile, all in ms.

    None where it was never seen.
    """

    p99_ms: float | None
    max_ms: float | None
    clock_shift_ms: float | None


@dataclass(frozen=True, slots=True)
class LinkShapes:
    """Both directions of a link; None is a shape that is none of the lab's making."""

    sends: Shape | None
    receives: Shape | None


@dataclass(frozen=True, slots=True)
class ShapesSeen:
    """What was in force on the links of a machine, by network."""

    before: Mapping[str, LinkShapes]
    after: Mapping[str, LinkShapes]
    changes: int
    """How many changes of it the kernel told meanwhile, also of what was changed back again."""


@dataclass(frozen=True, slots=True)
class Observed(Event):
    """What was found; None for what was not asked for."""

    captures: Mapping[str, CaptureCounts]
    """By point."""
    ping: RoundTrips | None
    timer: Scheduling | None
    shapes: ShapesSeen | None = None


PROBE = Dialogue("probe.probe", orders=(Observe, EndObservation), events=(Observing, Observed))
