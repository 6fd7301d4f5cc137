"""Go through a plan: take a call, make it, store it, until every point is complete."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from functools import partial

from lab.calls.figures import ended
from lab.errors import LabError
from lab.events import Began, CallStage, Ended, Happening, Listener, RunAdvanced
from lab.measure.record import CallRecord
from lab.sweep.dimensions.direction import hearer
from lab.sweep.executor import Executor
from lab.sweep.ledger import Ledger
from lab.sweep.plan import PlannedCall

Keep = Callable[[CallRecord], None]
"""Stores a record; when it returns, the call is not lost any more."""


def run_plan(ledger: Ledger, executors: Sequence[Executor], keep: Keep, tell: Listener) -> None:
    """Make every call that is still wanted, each stored before the next is chosen.

    With several executors as many calls are under way at once. LabError of an executor, or
    of `keep`, ends the run; calls that others have under way are stored first where they
    can be. Each call's stages are told with its place in the plan, on the thread that makes it.
    """
    if len(executors) == 1:
        _one_after_another(ledger, executors[0], keep, tell)
    else:
        _side_by_side(ledger, executors, keep, tell)


def _one_after_another(ledger: Ledger, executor: Executor, keep: Keep, tell: Listener) -> None:
    while planned := ledger.take():
        record = executor.execute(planned, partial(_tell_of, planned, tell))
        _store(planned, record, ledger, keep, tell)


def _side_by_side(
    ledger: Ledger, executors: Sequence[Executor], keep: Keep, tell: Listener
) -> None:
    idle = list(executors)
    under_way: dict[Future[CallRecord], tuple[PlannedCall, Executor]] = {}
    trouble: LabError | None = None
    pool = ThreadPoolExecutor(max_workers=len(executors))
    try:
        while True:
            while idle and trouble is None and (planned := ledger.take()):
                executor = idle.pop()
                tell_of_it = partial(_tell_of, planned, tell)
                future = pool.submit(executor.execute, planned, tell_of_it)
                under_way[future] = planned, executor
            if not under_way:
                break
            done, _ = wait(under_way, return_when=FIRST_COMPLETED)
            for future in done:
                planned, executor = under_way.pop(future)
                try:
                    _store(planned, future.result(), ledger, keep, tell)
                    idle.append(executor)
                except LabError as error:
                    ledger.give_back(planned)
                    trouble = trouble or error
    finally:
        # Interrupted, nobody waits here: who made the executors ends them, and their calls.
        pool.shutdown(wait=False, cancel_futures=True)
    if trouble is not None:
        raise trouble


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
