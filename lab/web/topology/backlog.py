"""Queues at caps, as they were read last."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lab.web.now import LabNow
from lab.wire.shape import Direction, FifoKind, Shape

Side = tuple[str, str, Direction]
"""Machine, network, direction."""

READ_FROM = 0.1
"""The share of its cap that a direction carries from which on its queue is read: one that carries
less has packets waiting for moments only, which a reading every two seconds seldom meets."""
READ_ON_S = 20.0
"""How long it is read on once it carries less."""
FULL_FROM = 0.5
"""The share of its places that are taken from which on a queue is called full."""


@dataclass(frozen=True, slots=True)
class Backlog:
    """The queue of one direction of a link."""

    at: float
    """Unix time, s."""
    shape: Shape
    """In force, with a cap."""
    waiting_packets: int
    waiting_bytes: int
    dropped: int
    """Packets that found it full, since the cap was set."""
    is_dropping: bool
    """Whether any has since the reading before."""

    @property
    def filled(self) -> float:
        """The share of its places that are taken."""
        queue = self.shape.queue
        taken = self.waiting_packets if queue.fifo is FifoKind.PFIFO else self.waiting_bytes
        return taken / queue.limit

    @property
    def is_full(self) -> bool:
        """Whether it drops, or is about to."""
        return self.is_dropping or self.filled >= FULL_FROM

    @property
    def words(self) -> str:
        """How many packets wait, of how many."""
        queue = self.shape.queue
        room = f" of {queue.limit}" if queue.fifo is FifoKind.PFIFO else ""
        packets = f"{self.waiting_packets}{room} packets wait"
        return f"{packets}, {self.dropped} dropped" if self.dropped else packets


def worth_reading(
    now: LabNow, caps_in_kbps: Mapping[tuple[str, str], int]
) -> frozenset[tuple[str, str]]:
    """The links one of whose caps is in use enough that packets may wait there.

    `caps_in_kbps` has those on what nodes receive; of what they send, the stream knows them.
    """
    found = set()
    for which, link in list(now.links.items()):
        sides = (
            (link.sent_kbps, link.rate_kbps),
            (link.received_kbps, caps_in_kbps.get(which)),
        )
        if any(cap and load is not None and load >= READ_FROM * cap for load, cap in sides):
            found.add(which)
    return frozenset(found)
