"""What of a plan has been done, and which call is next: decided by the stored calls alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from statistics import fmean
from typing import TYPE_CHECKING, Protocol

from lab.measure.precision import mean_half_width
from lab.sweep.dimensions.direction import hearer
from lab.sweep.plan import Plan, PlannedCall, plan_from_json
from lab.sweep.point import Point
from lab.verdict import FAILED, INVALID, verdict_of

if TYPE_CHECKING:
    from lab.store.database import Run, Store


class Outcome(Protocol):
    """What a ledger asks of a call that has ended: a whole record has it, and so have others."""

    @property
    def call_id(self) -> str:
        """Its name."""

    @property
    def point_id(self) -> str | None:
        """The point at which it was made."""

    @property
    def point_call(self) -> int | None:
        """Counts the calls there."""

    @property
    def status(self) -> str:
        """`ok` or `failed`."""

    @property
    def valid(self) -> bool:
        """Whether the lab vouches for the measurement."""

    @property
    def caller_pesq_mos(self) -> float | None:
        """Of what the caller received."""

    @property
    def callee_pesq_mos(self) -> float | None:
        """Of what the callee received."""


@dataclass(frozen=True, slots=True)
class StoredOutcome:
    """An `Outcome` as the store has it."""

    call_id: str
    point_id: str | None
    point_call: int | None
    status: str
    valid: bool
    caller_pesq_mos: float | None
    callee_pesq_mos: float | None


@dataclass(slots=True)
class Tally:
    """The calls made at one point so far."""

    valid: int = 0
    invalid: int = 0
    failed: int = 0
    mos: list[float] = field(default_factory=list)
    """MOS-LQO of the valid calls, at the end that is scored."""

    @property
    def made(self) -> int:
        """Calls of any outcome."""
        return self.valid + self.invalid + self.failed

    @property
    def mean_mos(self) -> float | None:
        """Their mean so far."""
        return fmean(self.mos) if self.mos else None

    def wider_than(self, precision_mos: float) -> bool:
        """Whether the mean's 95 % confidence interval reaches farther than that, or is unknown."""
        half_width = self.half_width_mos
        return half_width is None or half_width > precision_mos

    @property
    def half_width_mos(self) -> float | None:
        """Half the width of that interval; None for fewer than two calls."""
        return mean_half_width(self.mos)


class Ledger:
    """A plan beside what has become of it."""

    def __init__(self, plan: Plan, done: Iterable[Outcome] = ()) -> None:
        """Begin with the calls that are already stored."""
        self.plan = plan
        self.tallies = {point: Tally() for point in plan.points}
        self._by_id = {point.point_id: point for point in plan.points}
        self._settled: set[tuple[str, int]] = set()
        self._under_way: set[tuple[str, int]] = set()
        for record in done:
            self.enter(record)

    def enter(self, record: Outcome) -> None:
        """Count a call that has ended."""
        if record.point_id is None or record.point_call is None:
            raise ValueError(f"call {record.call_id} belongs to no point")
        point = self._by_id[record.point_id]
        key = (record.point_id, record.point_call)
        self._under_way.discard(key)
        self._settled.add(key)
        tally = self.tallies[point]
        verdict = verdict_of(record.status, record.valid)
        if verdict == FAILED:
            tally.failed += 1
        elif verdict == INVALID:
            tally.invalid += 1
        else:
            tally.valid += 1
            mos = getattr(record, f"{hearer(point)}_pesq_mos")
            if mos is not None:
                tally.mos.append(mos)

    def complete(self, point: Point) -> bool:
        """Whether no further call is wanted there.

        It has its valid calls, and their mean the precision that is wanted; or as many have
        failed, which is an answer too: no call can be held there; or all calls that may be made
        there have been.
        """
        tally = self.tallies[point]
        has_failed = tally.failed >= self.plan.calls
        return has_failed or tally.made >= self.plan.calls_at_most or not self._lacking(tally)

    def _lacking(self, tally: Tally) -> int:
        """Valid calls that a point needs, as far as can be told from those it has."""
        if tally.valid < self.plan.calls:
            return self.plan.calls - tally.valid
        # The series of scores of a long call has no mean to be made precise.
        if self.plan.precision_mos is None or not tally.mos:
            return 0
        return 1 if tally.wider_than(self.plan.precision_mos) else 0

    def take(self) -> PlannedCall | None:
        """The next call to make, now under way; None where none can be said to be needed yet.

        A call is not begun while those under way may suffice for its point.
        """
        for planned in self.plan.order:
            key = _key(planned)
            if key in self._settled or key in self._under_way or self.complete(planned.point):
                continue
            busy = sum(point_id == key[0] for point_id, _ in self._under_way)
            if busy >= self._lacking(self.tallies[planned.point]):
                continue
            self._under_way.add(key)
            return planned
        return None

    def give_back(self, planned: PlannedCall) -> None:
        """A call that was taken was not made."""
        self._under_way.discard(_key(planned))

    def settled(self, planned: PlannedCall) -> bool:
        """Whether a call has ended already."""
        return _key(planned) in self._settled

    @property
    def made(self) -> int:
        """Calls made so far."""
        return len(self._settled)

    @property
    def still_wanted(self) -> int:
        """Calls still to be made if every one turns out valid, and precise enough."""
        return sum(map(self.still_wanted_at, self.plan.points))

    def still_wanted_at(self, point: Point) -> int:
        """The same of one point."""
        if self.complete(point):
            return 0
        tally = self.tallies[point]
        return min(self._lacking(tally), self.plan.calls_at_most - tally.made)


def ledger_of(store: Store, run: Run) -> Ledger:
    """A run's plan beside the calls that are stored."""
    return Ledger(plan_from_json(run.plan), store.calls_as(StoredOutcome, run.run_id))


def _key(planned: PlannedCall) -> tuple[str, int]:
    return planned.point.point_id, planned.number
