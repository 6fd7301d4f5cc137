"""The counters of shaped links, sampled while something happens."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from lab.shaping.cap import LinkPoint
from lab.shaping.helpers import LinkHelpers
from lab.wire.links import (
    EndWatch,
    LinkSample,
    LinksShown,
    ShowLinks,
    WatchBegan,
    WatchEnded,
    WatchLinks,
)
from lab.wire.shape import Shape

INTERVAL_S = 0.487
"""Twice a second, and no multiple of the 20 ms from packet to packet of a voice: samples taken
always at the same moment of that beat would show the queue always full, or never."""


@dataclass(frozen=True, slots=True)
class LinkWatch:
    """One direction of a link while it was watched."""

    point: LinkPoint
    shape: Shape
    """What was in force when the watch began."""
    samples: tuple[LinkSample, ...]

    @property
    def rate_kbps(self) -> float | None:
        """What passed the cap, mean over the watch, at Ethernet level."""
        first, last = self.samples[0], self.samples[-1]
        if last.at <= first.at:
            return None
        return (last.bytes - first.bytes) * 8 / 1000 / (last.at - first.at)

    @property
    def drops(self) -> int:
        """Packets dropped during the watch."""
        return self.samples[-1].drops - self.samples[0].drops

    @property
    def overlimits(self) -> int:
        """How often the cap held a packet back during the watch."""
        return self.samples[-1].overlimits - self.samples[0].overlimits

    @property
    def busy_share(self) -> float:
        """Share of the samples in which packets waited at the cap."""
        return sum(sample.backlog_packets > 0 for sample in self.samples) / len(self.samples)

    def backlog_packets(self, percentile: float) -> float:
        """A percentile of the queue's sampled length."""
        lengths = [sample.backlog_packets for sample in self.samples]
        return float(np.percentile(lengths, percentile))


@contextmanager
def sampled(helpers: LinkHelpers, points: Sequence[LinkPoint]) -> Iterator[list[LinkWatch]]:
    """Sample every point while the block runs; the list is filled when it has ended.

    Points that nothing shapes are left out. LabError where a machine cannot be asked.
    """
    watches: list[LinkWatch] = []
    grouped = helpers.by_machine(points)
    shapes = [shape for machine, own in grouped.items() for shape in _shapes(helpers, machine, own)]
    for machine, own in grouped.items():
        sides = tuple(helpers.side(point) for point in own)
        helpers.ask(machine, WatchLinks(sides, INTERVAL_S), WatchBegan)
    try:
        yield watches
    finally:
        samples = [
            taken
            for machine in grouped
            for taken in helpers.ask(machine, EndWatch(), WatchEnded).samples
        ]
        every = [point for own in grouped.values() for point in own]
        watches += [
            LinkWatch(point, shape, taken)
            for point, shape, taken in zip(every, shapes, samples, strict=True)
            if taken
        ]


def _shapes(helpers: LinkHelpers, machine: str, points: Sequence[LinkPoint]) -> list[Shape]:
    sides = [helpers.side(point) for point in points]
    order = ShowLinks(tuple(side.address for side in sides))
    shown = helpers.ask(machine, order, LinksShown).links
    return [link.side(side.direction).shape for side, link in zip(sides, shown, strict=True)]
