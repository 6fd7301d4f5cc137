"""The counters of shaped links, sampled while something happens."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from lab.measure.call.watches import LinkWatch
from lab.shaping.cap import LinkPoint
from lab.shaping.helpers import LinkHelpers
from lab.wire.links import EndWatch, LinkSample, WatchBegan, WatchEnded, WatchLinks

INTERVAL_S = 0.487
"""Twice a second, and no multiple of the 20 ms from packet to packet of a voice: samples taken
always at the same moment of that beat would show the queue always full, or never."""


@contextmanager
def sampled(helpers: LinkHelpers, points: Sequence[LinkPoint]) -> Iterator[list[LinkWatch]]:
    """Sample every point while the block runs; the list is filled when it has ended.

    Points that nothing shapes are left out. LabError where a machine cannot be asked.
    """
    watches: list[LinkWatch] = []
    grouped = helpers.by_machine(points)
    before = helpers.in_force(points)
    for machine, own in grouped.items():
        sides = tuple(helpers.side(point) for point in own)
        helpers.ask(machine, WatchLinks(sides, INTERVAL_S), WatchBegan)
    try:
        yield watches
    finally:
        samples: dict[LinkPoint, tuple[LinkSample, ...]] = {}
        for machine, own in grouped.items():
            taken = helpers.ask(machine, EndWatch(), WatchEnded).samples
            samples.update(zip(own, taken, strict=True))
        after = helpers.in_force(points)
        watches += [
            LinkWatch(str(point), before[point], samples[point], after[point])
            for point in points
            if samples[point]
        ]
