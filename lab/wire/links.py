"""Showing, changing and watching the links of one machine while it runs (`net.links`).

Links go by the node's address on them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address

from lab.wire.faults import LinkFault, fault_in_force
from lab.wire.messages import Dialogue, Event, Order
from lab.wire.shape import Direction, Shape, ShapeChange


@dataclass(frozen=True, slots=True)
class Counters:
    """What passed, was dropped and waits at a shaper, counted since it was set."""

    bytes: int
    packets: int
    drops: int
    overlimits: int
    """How often the cap held a packet back."""
    backlog_bytes: int
    backlog_packets: int


@dataclass(frozen=True, slots=True)
class LinkSample(Counters):
    """The counters at one moment."""

    at: float
    """Unix seconds."""


@dataclass(frozen=True, slots=True)
class DelayCounts:
    """What became of the packets of one direction on the way, counted since it takes time."""

    sent: int
    lost: int
    """By chance, as the shape wants it, or as a profile says."""
    refused: int
    """Too many were on the way, or the link took no more."""
    on_the_way: int
    late_max_us: int
    """The most that a packet was sent on after its time."""
    bin_us: int
    late: Mapping[str, int]
    """Packets by how late they were sent on: steps of `bin_us`, the last one and more."""


@dataclass(frozen=True, slots=True)
class LinkSide:
    """One direction of one link."""

    address: IPv4Address
    direction: Direction


@dataclass(frozen=True, slots=True)
class SideInForce:
    """What the kernel does there."""

    shape: Shape
    counters: Counters | None
    """Of the cap; None where there is none."""
    delays: DelayCounts | None = None
    """None where the way takes no time."""
    fault: LinkFault | None = None
    """The one in force, or the last there was; None where there was none yet."""


@dataclass(frozen=True, slots=True)
class ShowLinks(Order):
    """Tell what is in force on some links: `LinksShown`."""

    addresses: tuple[IPv4Address, ...]


@dataclass(frozen=True, slots=True)
class LinkInForce:
    """Both directions of one link."""

    interface: str
    sends: SideInForce
    receives: SideInForce

    def side(self, direction: Direction) -> SideInForce:
        """One of the two."""
        return self.sends if direction is Direction.OUT else self.receives

    @property
    def fault(self) -> LinkFault | None:
        """The one in force on the link, as either direction has it; None where none is."""
        return fault_in_force(side.fault for side in (self.sends, self.receives))


@dataclass(frozen=True, slots=True)
class LinksShown(Event):
    """In the order that was asked for."""

    links: tuple[LinkInForce, ...]


@dataclass(frozen=True, slots=True)
class ShapedSide:
    """What one direction of a link is to become."""

    side: LinkSide
    shape: Shape


@dataclass(frozen=True, slots=True)
class SetShapes(Order):
    """Bring every one of them to its shape, or none: `ShapesSet`."""

    sides: tuple[ShapedSide, ...]


@dataclass(frozen=True, slots=True)
class ChangeShape(Order):
    """Change a part of one shape and keep the rest: `ShapesSet`."""

    side: LinkSide
    change: ShapeChange


@dataclass(frozen=True, slots=True)
class ShapesSet(Event):
    """What the kernel had and has, in the order of what was to be set."""

    before: tuple[Shape, ...]
    after: tuple[Shape, ...]


@dataclass(frozen=True, slots=True)
class SetProfile(Order):
    """Give voice the delays of a profile from its next packet on, or no more: `ShapesSet`.

    The direction must take time already. The profile repeats itself where voice goes on.
    """

    side: LinkSide
    at_us: tuple[int, ...]
    """When each packet was sent, ascending from 0; empty: no profile any more."""
    takes_us: tuple[int | None, ...]
    """How long each took; None where it was lost."""


@dataclass(frozen=True, slots=True)
class WatchLinks(Order):
    """Sample counters from now on: `WatchBegan`."""

    sides: tuple[LinkSide, ...]
    interval_s: float


@dataclass(frozen=True, slots=True)
class WatchBegan(Event):
    """They are sampled."""


@dataclass(frozen=True, slots=True)
class EndWatch(Order):
    """Take a last sample: `WatchEnded`."""


@dataclass(frozen=True, slots=True)
class WatchEnded(Event):
    """The samples of each side, in the order in which they were named."""

    samples: tuple[tuple[LinkSample, ...], ...]


LINKS = Dialogue(
    "net.links",
    orders=(ShowLinks, SetShapes, ChangeShape, SetProfile, WatchLinks, EndWatch),
    events=(LinksShown, ShapesSet, WatchBegan, WatchEnded),
)
