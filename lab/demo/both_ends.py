"""A figure of a call that both its ends have, as demonstrations tell it."""

from __future__ import annotations

from statistics import mean

from lab.demo.demonstration import NotShownError
from lab.ends import EACH_END
from lab.measure.record import CallRecord
from lab.report.pages import number_text


def mean_of_both(record: CallRecord, column: str) -> float:
    """Mean of both directions; `column` is without its end: `owd_ms_p50`.

    NotShownError where it was not measured at both ends.
    """
    values = _values(record, column)
    if None in values:
        raise NotShownError(f"{column} of call {record.call_id} was not measured")
    return float(mean(values))


def told_of_both(record: CallRecord, column: str, digits: int) -> str:
    """The caller's and the callee's: `4.39 / 4.41`."""
    return " / ".join(number_text(value, digits) for value in _values(record, column))


def _values(record: CallRecord, column: str) -> list[float]:
    return [getattr(record, f"{end}_{column}") for end in EACH_END]
