"""Showing, changing and watching the links of one machine while it runs (`net.links`).

Links go by the node's address on them.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address

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
class LinkSide:
    """One direction of one link."""

    address: IPv4Address
    direction: Direction


@dataclass(frozen=True, slots=True)
class SideInForce:
    """What the kernel does there."""

    shape: Shape
    counters: Counters | None
    """None where nothing is shaped."""


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
    orders=(ShowLinks, SetShapes, ChangeShape, WatchLinks, EndWatch),
    events=(LinksShown, ShapesSet, WatchBegan, WatchEnded),
)
