"""The counters of shaped links, sampled while something happens."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import numpy as np

from lab.engine.agent import Agent
from lab.engine.execution import start_unprivileged_helper
from lab.lifecycle.setting import Setting
from lab.shaping.cap import Point, address_of
from lab.topology.shape import Shape, shape_from

INTERVAL_S = 0.487
"""Twice a second, and no multiple of the 20 ms from packet to packet of a voice: samples taken
always at the same moment of that beat would show the queue always full, or never."""
DEADLINE_S = 20.0


@dataclass(frozen=True, slots=True)
class LinkSample:
    """The counters of a shaper at one moment, as the kernel keeps them since it was set."""

    at: float
    """Unix seconds."""
    bytes: int
    packets: int
    drops: int
    overlimits: int
    backlog_bytes: int
    backlog_packets: int


@dataclass(frozen=True, slots=True)
class LinkWatch:
    """One direction of a link while it was watched."""

    point: Point
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
def sampled(setting: Setting, points: Sequence[Point]) -> Iterator[list[LinkWatch]]:
    """Sample every point while the block runs; the list is filled when it has ended.

    Points that nothing shapes are left out. LabError where a machine cannot be asked.
    """
    watches: list[LinkWatch] = []
    by_machine: dict[str, list[Point]] = {}
    for point in points:
        by_machine.setdefault(setting.topology.machine(point.node).name, []).append(point)
    with ExitStack() as stack:
        helpers = [
            (stack.enter_context(_start(setting, machine)), own)
            for machine, own in by_machine.items()
        ]
        shapes = [shape for helper, own in helpers for shape in _shapes(setting, helper, own)]
        for helper, own in helpers:
            places = [
                {
                    "address": str(address_of(setting.topology, point)),
                    "direction": str(point.direction),
                }
                for point in own
            ]
            order = {"op": "sample", "points": places, "interval_s": INTERVAL_S}
            helper.ask(order, DEADLINE_S)
        try:
            yield watches
        finally:
            samples = [
                taken
                for helper, _ in helpers
                for taken in helper.ask({"op": "stop"}, DEADLINE_S)["samples"]
            ]
            every = [point for _, own in helpers for point in own]
            watches += [
                LinkWatch(point, shape, tuple(LinkSample(**sample) for sample in taken))
                for point, shape, taken in zip(every, shapes, samples, strict=True)
                if taken
            ]


def _start(setting: Setting, machine: str) -> Agent:
    return start_unprivileged_helper(
        setting.lab, machine, setting.net_image, setting.owner, "links"
    )


def _shapes(setting: Setting, helper: Agent, points: Sequence[Point]) -> list[Shape]:
    addresses = [str(address_of(setting.topology, point)) for point in points]
    shown = helper.ask({"op": "show", "addresses": addresses}, DEADLINE_S)["links"]
    return [
        shape_from(link[str(point.direction)]["shape"])
        for point, link in zip(points, shown, strict=True)
    ]
