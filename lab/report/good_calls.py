"""Which calls each study calls good (the first: section 3.2), and their share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from lab.measure.good_call import GOOD_DELAY_MS, GOOD_MOS
from lab.measure.intervals import scaled
from lab.measure.record import CallRecord
from lab.measure.statistics import Interval, share_interval


class Heard(Protocol):
    """What makes a call good or bad, of a whole record or of some of its columns."""

    @property
    def caller_pesq_mos(self) -> float | None:
        """MOS-LQO of what the caller received."""

    @property
    def callee_pesq_mos(self) -> float | None:
        """And of what the callee received."""

    @property
    def caller_owd_ms_p50(self) -> float | None:
        """Median one-way delay of what the caller received."""

    @property
    def callee_owd_ms_p50(self) -> float | None:
        """And of what the callee received."""


def is_good(call: Heard, ends: Iterable[str]) -> bool | None:
    """Whether PESQ and one-way delay are good at all of these ends; None where one is unknown."""
    figures = [
        (getattr(call, f"{end}_pesq_mos"), getattr(call, f"{end}_owd_ms_p50")) for end in ends
    ]
    if any(value is None for pair in figures for value in pair):
        return None
    return all(mos > GOOD_MOS and owd_ms < GOOD_DELAY_MS for mos, owd_ms in figures)


AS_SCORED = "pesq_mos_choppy"
"""The column, without end, of PESQ as the second study's program scored: the header as audio."""


def has_good_pesq(call: CallRecord, ends: Iterable[str], column: str = "pesq_mos") -> bool | None:
    """Whether PESQ is good at all of these ends, which is all that the second study asks for.

    None where it is unknown at one; `column` is whose PESQ, without the end.
    """
    scores = [getattr(call, f"{end}_{column}") for end in ends]
    if any(score is None for score in scores):
        return None
    return all(score > GOOD_MOS for score in scores)


def good_share(calls: Iterable[Heard], ends: Sequence[str]) -> Interval:
    """Of the calls of which it is known, with Wilson's interval; 0 to 1."""
    return share_of(is_good(call, ends) for call in calls)


def share_of(verdicts: Iterable[bool | None]) -> Interval:
    """Of the verdicts that are known, with Wilson's interval; 0 to 1."""
    known = [verdict for verdict in verdicts if verdict is not None]
    return share_interval(sum(known), len(known))


def per_cent(share: Interval) -> Interval:
    """The same of 100, as the studies state shares."""
    return scaled(share, 100)


def share_text(share: Interval) -> str:
    """In per cent, with its interval: `80 (55-93)`."""
    if share.estimate is None:
        return "-"
    text = f"{100 * share.estimate:.0f}"
    if share.low is None or share.high is None:
        return text
    return f"{text} ({100 * share.low:.0f}-{100 * share.high:.0f})"
