"""How long the data behind the page of a run takes: `python tests/bench/web_run_opened.py`.

    python tests/bench/web_run_opened.py [--calls 5000] [--rounds 15]

A run of calls that nobody made, every column of their records filled, is stored and opened as the
page opens it: progress, points with their intervals, the figure, the first page of the table.
Compared, in the same rounds, with reading the whole records of the same calls.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from simulated_calls import simulated

from lab.checkout import EXPERIMENTS
from lab.measure.record import CallRecord
from lab.measure.statistics import mean_interval
from lab.report.pages import interval_text
from lab.store.database import Run, open_store
from lab.store.reading import read_store
from lab.sweep.experiment import load_experiment
from lab.sweep.plan import make_plan
from lab.sweep.point import Point
from lab.web.runs.call_table import Wanted, page_of
from lab.web.runs.chart import chart_of
from lab.web.runs.figure import figure_of
from lab.web.runs.progress import HANDS, listed, view_of

RUN_ID = "opened-1"
RECORDS = "whole records"
FIGURES: dict[str, Callable[[random.Random], Any]] = {
    "float": lambda chance: chance.uniform(0, 100),
    "int": lambda chance: chance.randrange(1000),
    "str": lambda chance: f"{chance.getrandbits(128):032x}",
    "dict[str, str]": lambda _: {f"relay{number}": "0.4.9.3" for number in range(9)},
    "dict[str, float]": lambda chance: {f"relay{number}": chance.random() for number in range(9)},
}


def filled(record: CallRecord, chance: random.Random) -> CallRecord:
    """The record with a value in every column that has none."""
    for item in fields(record):
        make = FIGURES.get(str(item.type).removesuffix(" | None"))
        if make is not None and not getattr(record, item.name) and item.name != "reason":
            setattr(record, item.name, make(chance))
    return record


def store_run(calls: int) -> tuple[Point, ...]:
    """Store a run of so many calls; its points."""
    experiment = load_experiment(EXPERIMENTS / "cliff-place.yaml")
    at_most = -(-calls // len(experiment.points))
    plan = make_plan(replace(experiment, calls=at_most, calls_at_most=at_most))
    chance = random.Random(1)
    with open_store() as store:
        store.add_run(
            Run(
                run_id=RUN_ID,
                experiment=experiment.name,
                started_at="2026-01-01T00:00:00.000+00:00",
                seed=1,
                definition=experiment.source,
                plan=plan.to_json(),
                topology="name: paper",
                lab="paper",
            )
        )
        for planned in plan.order[:calls]:
            store.add_call(filled(simulated(planned, RUN_ID), chance))
    return plan.points


def open_page() -> None:
    """What the page shows first."""
    view = view_of(RUN_ID, HANDS)
    chart_of(figure_of(view.points))
    page_of(view.calls, {row.point.point_id: row.name for row in view.points}, Wanted())


def open_list() -> None:
    """What the list of runs shows."""
    listed(HANDS)


def read_records() -> None:
    """The whole records."""
    with read_store() as store:
        store.calls(RUN_ID)


def seconds(action: Callable[[], None]) -> float:
    """Wall-clock time of one round."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def main() -> None:
    """Print both times and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    actions = {"page of the run": open_page, "list of runs": open_list, RECORDS: read_records}
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as home:
        os.environ["LAB_HOME"] = home
        points = store_run(options.calls)
        size = (Path(home) / "results" / "results.sqlite").stat().st_size
        first = seconds(open_page)
        taken: dict[str, list[float]] = {name: [] for name in actions}
        for _ in range(options.rounds):
            for name, action in actions.items():
                taken[name].append(seconds(action))
    print(
        f"{options.calls} calls at {len(points)} points, {size / 2**20:.0f} MiB; load average "
        f"{os.getloadavg()[0]:.2f}; the page for the first time {first:.3f} s"
    )
    for name, values in taken.items():
        print(
            f"{name}: median {statistics.median(values):.3f} s, {min(values):.3f} to "
            f"{max(values):.3f} (n = {len(values)})"
        )
        if name != RECORDS:
            ratio = mean_interval(
                [whole / one for whole, one in zip(taken[RECORDS], values, strict=True)]
            )
            print(
                f"  {RECORDS} take {interval_text(ratio, 1)} times as long, mean of {ratio.n} "
                "rounds with its 95 % interval"
            )


if __name__ == "__main__":
    main()
