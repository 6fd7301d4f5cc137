"""Which calls of a run enter a figure of a report, and their mean."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar

from lab.measure.record import CallRecord
from lab.measure.statistics import Interval, mean_interval
from lab.verdict import VALID


class AtPoint(Protocol):
    """A call of a run: a whole record, or some columns of one."""

    @property
    def point_id(self) -> str | None:
        """The point at which it was made."""


CallT = TypeVar("CallT", bound=AtPoint)


def by_point(calls: Iterable[CallT]) -> dict[str | None, list[CallT]]:
    """Point's name → its calls, of any outcome."""
    found: dict[str | None, list[CallT]] = {}
    for call in calls:
        found.setdefault(call.point_id, []).append(call)
    return found


def valid_ones(calls: Iterable[CallRecord]) -> list[CallRecord]:
    """The calls that may enter a mean."""
    return [call for call in calls if call.verdict == VALID]


def hops_of(call: CallRecord) -> int | None:
    """Relays on its way; None without Tor. Older records have no number of them."""
    return call.hops or (len(call.circuit.split()) if call.circuit else None)


def mean_of(calls: Sequence[CallRecord], column: str, factor: float = 1.0) -> Interval:
    """Mean of a column over the calls in which it was measured, with its 95 % interval."""
    return mean_interval([factor * value for value in values_of(calls, column)])


def values_of(calls: Iterable[AtPoint], column: str) -> list[float]:
    """A column of the calls in which it was measured."""
    return [value for call in calls if (value := getattr(call, column)) is not None]
