"""Runs in a store of their own, for the pages that show them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from simulated_calls import simulated

from lab.measure.record import CallRecord
from lab.store.database import Run, open_store
from lab.sweep.experiment import Experiment
from lab.sweep.plan import PlannedCall, make_plan
from lab.sweep.point import Point

SIP, TOR = Point("sip"), Point("v-tor")


def run_of(points: Sequence[Point], run_id: str = "two-1", calls: int = 2) -> Run:
    """A run that wants so many valid calls at each of these points."""
    experiment = Experiment(
        "two", "", None, Path(), 1, calls, 2 * calls, tuple(points), False, "name: two"
    )
    return Run(
        run_id=run_id,
        experiment="two",
        started_at="2026-01-01T00:00:00.000+00:00",
        seed=1,
        definition="",
        plan=make_plan(experiment).to_json(),
        topology="",
        lab="paper",
        quick=True,
    )


def made(
    point: Point,
    number: int,
    verdict: str = "valid",
    run_id: str | None = "two-1",
    **columns: object,
) -> CallRecord:
    """A call with that verdict."""
    record = simulated(PlannedCall(point, number, seed=number), run_id or "")
    record.run_id = run_id
    record.call_id = f"{point.point_id}-{number}"
    record.started_at = f"2026-01-01T00:{number:02}:00.000+00:00"
    record.status = "failed" if verdict == "failed" else "ok"
    record.reason = "no answer" if verdict == "failed" else None
    record.valid = verdict == "valid"
    record.invalid_reasons = ["late", "cut"] if verdict == "invalid" else []
    if verdict == "failed":
        record.caller_pesq_mos = record.callee_pesq_mos = None
    for name, value in columns.items():
        assert hasattr(record, name)
        setattr(record, name, value)
    return record


def keep(runs: Iterable[Run], calls: Iterable[CallRecord]) -> None:
    """Store them under `$LAB_HOME`."""
    with open_store() as store:
        for run in runs:
            store.add_run(run)
        for call in calls:
            store.add_call(call)
