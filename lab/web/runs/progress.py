"""Runs as their pages show them: how far each has come, and what its points have given so far."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import fmean

from lab.engine.names import Holder
from lab.measure.precision import mean_half_width
from lab.measure.statistics import Counts, Interval, count_calls
from lab.report.good_calls import good_share
from lab.report.naming import curve_names
from lab.report.selection import by_point, values_of
from lab.store.database import Run, Store
from lab.store.reading import read_store
from lab.sweep.dimensions.direction import hearer
from lab.sweep.ledger import Ledger, ledger_of
from lab.sweep.locks import hand_on
from lab.sweep.plan import Plan, plan_from_json
from lab.sweep.point import Point
from lab.verdict import VALID
from lab.web.runs.made_call import MadeCall

NEWEST_CALLS = 50
"""Calls of no run that are listed."""
UNDER_WAY, INTERRUPTED, COMPLETE = "under way", "interrupted", "complete"


class Hands:
    """Who goes on with which run.

    Asking for a run that is under way is not for free (`lab.engine.names`), so that an answer
    holds as long as the process runs that it names.
    """

    def __init__(self) -> None:
        self._known: dict[str, Holder] = {}

    def on(self, run_id: str) -> Holder | None:
        """The process; None where nobody goes on with the run."""
        known = self._known.get(run_id)
        if known is not None and known.runs:
            return known
        found = hand_on(run_id)
        if found is not None and found.runs:
            self._known[run_id] = found
            return found
        self._known.pop(run_id, None)
        return None


@dataclass(frozen=True, slots=True)
class RunRow:
    """How far a run has come."""

    run_id: str
    experiment: str
    quick: bool
    lab: str
    started_at: str
    points: int
    counts: Counts
    still_wanted: int
    state: str

    @property
    def made(self) -> int:
        """Calls of any outcome."""
        return self.counts.total

    @property
    def share_made(self) -> float:
        """Of all calls that it takes, as far as can be told; 0 to 1."""
        return self.made / max(1, self.made + self.still_wanted)


@dataclass(frozen=True, slots=True)
class PointRow:
    """What the calls at one point have given so far; only valid ones enter a figure.

    Figures are those of the end that is scored. The intervals of means are Student's, which the
    run itself goes by, and those of shares Wilson's; 95 %.
    """

    point: Point
    name: str
    """What distinguishes it from the others, in words."""
    scored: str
    """`caller` or `callee`."""
    calls: tuple[MadeCall, ...]
    """In the order they were made."""
    counts: Counts
    still_wanted: int
    mos: Interval
    """MOS-LQO."""
    delay_ms: Interval
    """Of each call's median one-way delay."""
    jitter_ms: Interval
    """Of each call's mean jitter."""
    good: Interval
    """Share of good calls (`lab.measure.good_call`) at that end, 0 to 1."""


@dataclass(frozen=True, slots=True)
class RunView:
    """One run with all its calls."""

    run: Run
    row: RunRow
    points: tuple[PointRow, ...]
    calls: tuple[MadeCall, ...]
    """In the order they were made."""


@dataclass(frozen=True, slots=True)
class Listed:
    """What the list of runs shows."""

    runs: tuple[RunRow, ...]
    """Newest first."""
    single_calls: tuple[MadeCall, ...]
    """Of no run, newest first, as many as `NEWEST_CALLS`."""


def listed(hands: Hands) -> Listed:
    """All runs, and the newest calls of none; LabError where the results cannot be read."""
    with read_store() as store:
        rows = [run_row(store, run, hands) for run in reversed(store.runs())]
        singles = store.calls_as(MadeCall, None, newest=NEWEST_CALLS)
    return Listed(tuple(rows), tuple(reversed(singles)))


def row_of(run_id: str, hands: Hands) -> RunRow:
    """One run of the list; LabError where there is none of that name."""
    with read_store() as store:
        return run_row(store, store.run(run_id), hands)


def run_row(store: Store, run: Run, hands: Hands) -> RunRow:
    """How far it has come."""
    return _row(run, ledger_of(store, run), hands)


def view_of(run_id: str, hands: Hands) -> RunView:
    """A run, or the newest for `last`; LabError where there is none of that name."""
    with read_store() as store:
        run = store.run(run_id)
        calls = store.calls_as(MadeCall, run.run_id)
    plan = plan_from_json(run.plan)
    ledger = Ledger(plan, calls)
    return RunView(run, _row(run, ledger, hands), point_rows(plan, ledger, calls), tuple(calls))


def _row(run: Run, ledger: Ledger, hands: Hands) -> RunRow:
    tallies = ledger.tallies.values()
    return RunRow(
        run_id=run.run_id,
        experiment=run.experiment,
        quick=run.quick,
        lab=run.lab,
        started_at=run.started_at,
        points=len(ledger.plan.points),
        counts=Counts(
            valid=sum(tally.valid for tally in tallies),
            invalid=sum(tally.invalid for tally in tallies),
            failed=sum(tally.failed for tally in tallies),
        ),
        still_wanted=ledger.still_wanted,
        state=_state(run, hands),
    )


def _state(run: Run, hands: Hands) -> str:
    if run.ended_at is not None:
        return COMPLETE
    return INTERRUPTED if hands.on(run.run_id) is None else UNDER_WAY


def point_rows(plan: Plan, ledger: Ledger, calls: Iterable[MadeCall]) -> tuple[PointRow, ...]:
    """A row for every point of the plan, in its order, also where no call has been made yet."""
    made = by_point(calls)
    return tuple(
        _point_row(point, name, made.get(point.point_id, []), ledger.still_wanted_at(point))
        for point, name in zip(plan.points, curve_names(plan.points), strict=True)
    )


def _point_row(point: Point, name: str, calls: Sequence[MadeCall], still_wanted: int) -> PointRow:
    end = hearer(point)
    valid = [call for call in calls if call.verdict == VALID]
    return PointRow(
        point=point,
        name=name or point.point_id,
        scored=end,
        calls=tuple(calls),
        counts=count_calls(calls),
        still_wanted=still_wanted,
        mos=_mean(valid, f"{end}_pesq_mos"),
        delay_ms=_mean(valid, f"{end}_owd_ms_p50"),
        jitter_ms=_mean(valid, f"{end}_jitter_mean"),
        good=good_share(valid, [end]),
    )


def _mean(calls: Iterable[MadeCall], column: str) -> Interval:
    """Of a column over the calls in which it was measured."""
    values = values_of(calls, column)
    n = len(values)
    if not n:
        return Interval(None, None, None, 0, 0, 0.95)
    mean, half_width = fmean(values), mean_half_width(values)
    if half_width is None:
        return Interval(mean, None, None, n, n, 0.95)
    return Interval(mean, mean - half_width, mean + half_width, n, n, 0.95)


def when(started_at: str) -> str:
    """A time of the results, ISO 8601, to the second: `2026-01-01 12:00:00`, UTC."""
    return f"{datetime.fromisoformat(started_at):%Y-%m-%d %H:%M:%S}"


HANDS = Hands()
"""What this process knows of who is at work."""
