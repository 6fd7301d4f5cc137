"""Go through a plan: take a call, make it, store it, until every point is complete."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from functools import partial
from typing import Protocol

from lab.errors import LabError
from lab.events import Happening
from lab.measure.record import CallRecord
from lab.sweep.executor import Executor
from lab.sweep.ledger import Ledger
from lab.sweep.plan import PlannedCall

Keep = Callable[[CallRecord], None]
"""Stores a record; when it returns, the call is not lost any more."""


class Watcher(Protocol):
    """Is told how a run goes, on the thread that runs it, but for `says`."""

    def begins(self, ledger: Ledger) -> None:
        """The run begins, or goes on."""

    def says(self, planned: PlannedCall, happening: Happening) -> None:
        """This happens in a call under way."""

    def ended(self, planned: PlannedCall, record: CallRecord, ledger: Ledger) -> None:
        """A call has been made and stored."""


def run_plan(ledger: Ledger, executors: Sequence[Executor], keep: Keep, watcher: Watcher) -> None:
    """Make every call that is still wanted, each stored before the next is chosen.

    With several executors as many calls are under way at once. LabError of an executor, or
    of `keep`, ends the run; calls that others have under way are stored first where they
    can be.
    """
    watcher.begins(ledger)
    if len(executors) == 1:
        _one_after_another(ledger, executors[0], keep, watcher)
    else:
        _side_by_side(ledger, executors, keep, watcher)


def _one_after_another(ledger: Ledger, executor: Executor, keep: Keep, watcher: Watcher) -> None:
    while planned := ledger.take():
        record = executor.execute(planned, partial(watcher.says, planned))
        _store(planned, record, ledger, keep, watcher)


def _side_by_side(
    ledger: Ledger, executors: Sequence[Executor], keep: Keep, watcher: Watcher
) -> None:
    idle = list(executors)
    under_way: dict[Future[CallRecord], tuple[PlannedCall, Executor]] = {}
    trouble: LabError | None = None
    pool = ThreadPoolExecutor(max_workers=len(executors))
    try:
        while True:
            while idle and trouble is None and (planned := ledger.take()):
                executor = idle.pop()
                tell = partial(watcher.says, planned)
                future = pool.submit(executor.execute, planned, tell)
                under_way[future] = planned, executor
            if not under_way:
                break
            ended, _ = wait(under_way, return_when=FIRST_COMPLETED)
            for future in ended:
                planned, executor = under_way.pop(future)
                try:
                    _store(planned, future.result(), ledger, keep, watcher)
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
    planned: PlannedCall, record: CallRecord, ledger: Ledger, keep: Keep, watcher: Watcher
) -> None:
    keep(record)
    ledger.enter(record)
    watcher.ended(planned, record, ledger)
