"""Where the calls of a run are made: in labs of this host, or on hosts of a cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Protocol

from lab.errors import LabError
from lab.events import Listener
from lab.measure.record import CallRecord
from lab.store.database import Run, Store
from lab.sweep.executor import Executor
from lab.sweep.plan import Plan, PlannedCall


def _nothing() -> None:
    return None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What has become of a call that was begun."""

    planned: PlannedCall
    result: CallRecord | LabError | None
    """Its record, or why no call can be made any more; None where this one was not made, and
    another may be begun in its stead."""
    stored: Callable[[], None] = _nothing
    """To be told when the record is stored, or not wanted: whoever made the call may forget it."""


class Place(Protocol):
    """Makes planned calls, as many at once as it has room for."""

    @property
    def has_room(self) -> bool:
        """Whether another call can be begun."""
        ...

    @property
    def busy(self) -> bool:
        """Whether a call is under way that was begun."""
        ...

    def begin(self, planned: PlannedCall, tell: Listener) -> None:
        """Have a call made; its stages are told on whatever thread they happen."""
        ...

    def ended(self) -> Sequence[Outcome]:
        """What has ended, once something has: also calls that an earlier run of the plan began.

        Nothing where there is room again. LabError where no call can be made any more.
        """
        ...


Where = Callable[[Store, Run, Plan, Listener], AbstractContextManager[Place]]
"""A run → the place of its calls, while the block lasts; the run is stored as soon as it may go
on, with what its labs consist of. LabError where no call can be made."""


@contextmanager
def side_by_side(executors: Sequence[Executor]) -> Iterator[Place]:
    """A place of one executor for each call that is under way at once."""
    if len(executors) == 1:
        yield _OneByOne(executors[0])
        return
    pool = ThreadPoolExecutor(max_workers=len(executors))
    try:
        yield _SideBySide(executors, pool)
    finally:
        # Interrupted, nobody waits here: who made the executors ends them, and their calls.
        pool.shutdown(wait=False, cancel_futures=True)


class _OneByOne:
    """Makes each call on the thread that asks for it, which signals reach."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._begun: tuple[PlannedCall, Listener] | None = None

    @property
    def has_room(self) -> bool:
        return self._begun is None

    @property
    def busy(self) -> bool:
        return self._begun is not None

    def begin(self, planned: PlannedCall, tell: Listener) -> None:
        self._begun = planned, tell

    def ended(self) -> Sequence[Outcome]:
        assert self._begun is not None
        planned, tell = self._begun
        self._begun = None
        try:
            return [Outcome(planned, self._executor.execute(planned, tell))]
        except LabError as error:
            return [Outcome(planned, error)]


class _SideBySide:
    """Makes each call on a thread of its own."""

    def __init__(self, executors: Sequence[Executor], pool: ThreadPoolExecutor) -> None:
        self._idle = list(executors)
        self._pool = pool
        self._under_way: dict[Future[CallRecord], tuple[PlannedCall, Executor]] = {}

    @property
    def has_room(self) -> bool:
        return bool(self._idle)

    @property
    def busy(self) -> bool:
        return bool(self._under_way)

    def begin(self, planned: PlannedCall, tell: Listener) -> None:
        executor = self._idle.pop()
        self._under_way[self._pool.submit(executor.execute, planned, tell)] = planned, executor

    def ended(self) -> Sequence[Outcome]:
        done, _ = wait(self._under_way, return_when=FIRST_COMPLETED)
        return [self._outcome(future) for future in done]

    def _outcome(self, future: Future[CallRecord]) -> Outcome:
        planned, executor = self._under_way.pop(future)
        try:
            record = future.result()
        except LabError as error:
            return Outcome(planned, error)
        self._idle.append(executor)
        return Outcome(planned, record)
