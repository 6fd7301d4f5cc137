"""The counters of shaped links, sampled while something happens."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from lab.measure.call.watches import LinkWatch
from lab.shaping.cap import LinkPoint
from lab.shaping.helpers import LinkHelpers
from lab.wire.links import (
    EndWatch,
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
        after = [one for machine, own in grouped.items() for one in _shapes(helpers, machine, own)]
        every = [point for own in grouped.values() for point in own]
        watches += [
            LinkWatch(str(point), shape, taken, now)
            for point, shape, taken, now in zip(every, shapes, samples, after, strict=True)
            if taken
        ]


def _shapes(helpers: LinkHelpers, machine: str, points: Sequence[LinkPoint]) -> list[Shape]:
    sides = [helpers.side(point) for point in points]
    order = ShowLinks(tuple(side.address for side in sides))
    shown = helpers.ask(machine, order, LinksShown).links
    return [link.side(side.direction).shape for side, link in zip(sides, shown, strict=True)]
