"""Runs of simulated calls by a design, with effects that are known."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

from report_runs import call

from lab.measure.record import CallRecord
from lab.report.build import build_report
from lab.report.pages import Report
from lab.store.database import Run
from lab.sweep.experiment import Experiment
from lab.sweep.plan import Plan, make_plan
from lab.sweep.point import Point

NODELAY, CONTROL = "topology.tor.nodelay", "topology.tor.congestion_control"
FACTORS: dict[str, tuple[str | int | None, str | int | None]] = {
    NODELAY: ("none", "all"),
    CONTROL: ("fixed", "vegas"),
    "hops": (3, 2),
}


def point(**values: Any) -> Point:
    first = {name: both[0] for name, both in FACTORS.items()}
    return Point("v-tor", **{**first, **values})


def full_factorial() -> list[Point]:
    """Row 0 has the first value of everything."""
    rows = product(*FACTORS.values())
    return [Point("v-tor", **dict(zip(FACTORS, row, strict=True))) for row in rows]


def plan_of(
    points: Sequence[Point], design: str, corners: Mapping[str, Sequence[Point]] | None = None
) -> Plan:
    named = {name: tuple(some) for name, some in (corners or {}).items()}
    beside = tuple(p for some in named.values() for p in some if p not in points)
    every = tuple(dict.fromkeys([*points, *beside]))
    experiment = Experiment("test", "", None, Path(), 1, 2, 4, every, False, "")
    return replace(make_plan(experiment), design=design, corners=named, beside=beside)


def run_of(plan: Plan, **others: object) -> Run:
    run = Run(
        run_id="test-1",
        experiment="test",
        started_at="2026-01-01T00:00:00+00:00",
        seed=1,
        definition="",
        plan=plan.to_json(),
        topology="",
        lab="world",
        versions={"lab": "0.1.0", "tor": "0.4.8.10"},
        ended_at="2026-01-02T01:00:00+00:00",
    )
    return replace(run, **others)  # type: ignore[arg-type]


def report_of(plan: Plan, calls: Sequence[CallRecord]) -> Report:
    return build_report(run_of(plan), calls)


def calls_at(
    points: Sequence[Point],
    each: int,
    mos: Callable[[Point], float],
    delay: Callable[[Point], float] = lambda _: 200.0,
    noise: float = 0.05,
    seed: int = 1,
) -> list[CallRecord]:
    """The callee is the worse end in PESQ, the caller in delay."""
    chance = random.Random(seed)
    found = []
    for at in points:
        for number in range(1, each + 1):
            score = mos(at) + chance.gauss(0, noise)
            ms = delay(at) + 100 * chance.gauss(0, noise)
            found.append(
                call(
                    at,
                    number,
                    seed=number,
                    callee_pesq_mos=score,
                    caller_pesq_mos=score + 0.2,
                    caller_owd_ms_p50=ms,
                    callee_owd_ms_p50=ms - 30,
                    caller_jitter_mean=20 + chance.gauss(0, noise),
                    callee_jitter_mean=25 + chance.gauss(0, noise),
                    kbps_access_eth=240 + chance.gauss(0, noise),
                    kbps_access_eth_back=250 + chance.gauss(0, noise),
                )
            )
    return found
