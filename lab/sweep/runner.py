"""Go through a plan: take a call, have it made, store it, until every point is complete."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from lab.calls.figures import ended
from lab.errors import LabError
from lab.events import Began, CallStage, Ended, Happening, Listener, RunAdvanced
from lab.measure.record import CallRecord
from lab.sweep.dimensions.direction import hearer
from lab.sweep.ledger import Ledger
from lab.sweep.place import Outcome, Place
from lab.sweep.plan import PlannedCall

Keep = Callable[[CallRecord], object]
"""Stores a record; when it returns, the call is not lost any more."""


def run_plan(ledger: Ledger, place: Place, keep: Keep, tell: Listener) -> None:
    """Have every call made that is still wanted, each stored before the next is chosen.

    As many are under way at once as there is room for. LabError of the place, or of `keep`, ends
    the run; calls that are under way elsewhere are stored first where they can be. Each call's
    stages are told with its place in the plan, on the thread that makes it.
    """
    trouble: LabError | None = None
    while True:
        wanted = True
        while trouble is None and place.has_room:
            planned = ledger.take()
            if planned is None:
                wanted = False
                break
            place.begin(planned, partial(_tell_of, planned, tell))
        if not place.busy and (trouble is not None or not wanted):
            break
        for outcome in place.ended():
            try:
                _enter(outcome, ledger, keep, tell)
            except LabError as error:
                ledger.give_back(outcome.planned)
                trouble = trouble or error
    if trouble is not None:
        raise trouble


def _enter(outcome: Outcome, ledger: Ledger, keep: Keep, tell: Listener) -> None:
    """Store what has become of a call; LabError where the run cannot go on."""
    if isinstance(outcome.result, LabError):
        raise outcome.result
    if outcome.result is None:
        ledger.give_back(outcome.planned)
        return
    # Made twice where its host was given up too early: the first that came is the call.
    if not ledger.settled(outcome.planned):
        _store(outcome.planned, outcome.result, ledger, keep, tell)
    outcome.stored()


def _store(
    planned: PlannedCall, record: CallRecord, ledger: Ledger, keep: Keep, tell: Listener
) -> None:
    keep(record)
    ledger.enter(record)
    tally = ledger.tallies[planned.point]
    tell(
        RunAdvanced(
            run_id=record.run_id or "",
            point_id=planned.point.point_id,
            number=planned.number,
            hearer=hearer(planned.point),
            call=ended(record),
            valid_here=tally.valid,
            mean_mos=tally.mean_mos,
            valid=sum(tally.valid for tally in ledger.tallies.values()),
            made=ledger.made,
            still_wanted=ledger.still_wanted,
        )
    )


def _tell_of(planned: PlannedCall, tell: Listener, happening: Happening) -> None:
    match happening:
        case Began(stage):
            tell(CallStage(planned.point.point_id, planned.number, stage))
        case Ended():
            return
        case _:
            tell(happening)
