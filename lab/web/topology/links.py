"""What is shown of a link, put together from its lab's plan, the stream and what was read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from lab.web import amounts
from lab.web.now import LabNow
from lab.web.topology.backlog import READ_FROM, Backlog, Side
from lab.web.topology.plan import Plan, Shaped, way_in_words
from lab.wire.faults import DOWN, LOSS
from lab.wire.shape import Direction

RUNNING = "running"


@dataclass(frozen=True, slots=True)
class Read:
    """What was read of a lab's links beside the stream."""

    shapes: Mapping[Side, Shaped] = field(default_factory=dict)
    """In force when they were read."""
    backlogs: Mapping[Side, Backlog] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LinkShown:
    """One link, as far as it is known at this moment."""

    node: str
    network: str
    address: str
    rate_kbps: int | None
    """The cap in force on what the node sends."""
    out_shape: str
    """All that shapes what the node sends, in words; so of what it receives."""
    in_shape: str
    configured: tuple[str, str]
    """What the topology wants of both."""
    is_read: bool
    """Whether the shapes are those in force; else they are what the topology wants."""
    sent_kbps: float | None
    received_kbps: float | None
    dropped_packets: int | None
    backlogs: tuple[Backlog, ...]
    """Of its directions, those that were read."""
    fault: str | None
    """What is broken of it on purpose, in words."""
    is_down: bool

    @property
    def key(self) -> str:
        """How the page calls it."""
        return f"link:{self.node}:{self.network}"

    @property
    def rate(self) -> str:
        """The cap."""
        return amounts.cap(self.rate_kbps)

    @property
    def way(self) -> str:
        """What is behind its cap; empty where nothing is."""
        return way_in_words(self.out_shape)

    @property
    def load(self) -> str:
        """What its node sends, and which share of the cap that is."""
        part = amounts.share(self.sent_kbps, self.rate_kbps)
        return amounts.rate(self.sent_kbps) + (f" ({part})" if part else "")

    @property
    def waiting(self) -> int | None:
        """Packets in its queues; None where none was read."""
        return sum(one.waiting_packets for one in self.backlogs) if self.backlogs else None

    @property
    def queue(self) -> str:
        """`none`, `unread`, `empty`, `waiting` or `full`."""
        if self.backlogs:
            if any(one.is_full for one in self.backlogs):
                return "full"
            return "waiting" if self.waiting else "empty"
        return "none" if self.rate_kbps is None else "unread"

    @property
    def queue_words(self) -> str:
        """The queue, for a person."""
        if self.backlogs:
            return "; ".join(one.words for one in self.backlogs)
        if self.rate_kbps is None:
            return "none, as nothing caps it"
        return f"not read: under {amounts.share(READ_FROM, 1)} of the cap in use"


def links_shown(plan: Plan, now: LabNow, read: Read) -> Iterator[LinkShown]:
    """Every link of the lab, in the plan's order."""
    for machine in plan.machines:
        for network in machine.networks:
            yield link_shown(plan, now, read, (machine.name, network))


def link_shown(plan: Plan, now: LabNow, read: Read, which: tuple[str, str]) -> LinkShown:
    """One link of the plan."""
    node, network = which
    link = now.links.get(which)
    told = link.shapes if link else {}
    wanted = [plan.shapes[node, network, direction].words for direction in Direction]
    shapes = []
    rate_kbps = link.rate_kbps if link else None
    is_read = True
    for direction, configured in zip(Direction, wanted, strict=True):
        known = read.shapes.get((node, network, direction))
        is_read = is_read and (str(direction) in told or known is not None)
        if direction is Direction.OUT and known is not None and str(direction) not in told:
            rate_kbps = known.rate_kbps
        shapes.append(told.get(str(direction)) or (configured if known is None else known.words))
    faults = [now.faults.get((kind, node, network)) for kind in (DOWN, LOSS)]
    broken = next((fault for fault in faults if fault), None)
    words = None
    if broken:
        words = broken.kind if broken.loss_pct is None else f"loses {broken.loss_pct:g} %"
    return LinkShown(
        node=node,
        network=network,
        address=link.address if link else "",
        rate_kbps=rate_kbps,
        out_shape=shapes[0],
        in_shape=shapes[1],
        configured=(wanted[0], wanted[1]),
        is_read=is_read,
        sent_kbps=link.sent_kbps if link else None,
        received_kbps=link.received_kbps if link else None,
        dropped_packets=link.dropped_packets if link else None,
        backlogs=tuple(
            backlog
            for direction in Direction
            if (backlog := read.backlogs.get((node, network, direction)))
        ),
        fault=words,
        is_down=broken is not None and broken.kind == DOWN,
    )
