"""What the second study's way of scoring does: the same recordings, judged in both ways."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from lab.ends import EACH_END
from lab.measure.differences import paired_share_interval
from lab.measure.record import CallRecord
from lab.measure.statistics import Interval, mean_interval
from lab.report.good_calls import AS_SCORED, has_good_pesq, per_cent
from lab.report.selection import valid_ones


@dataclass(frozen=True, slots=True)
class Scoring:
    """PESQ with the reference's header read as audio less PESQ as it should be, call by call."""

    mos: dict[str, Interval]
    """By end."""
    good_pesq: Interval
    """Of the share of calls with a PESQ above 3 at both ends, percentage points."""

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def scoring(calls: Sequence[CallRecord]) -> Scoring | None:
    """Compare both ways over all valid calls that have both; None where none has."""
    valid = valid_ones(calls)
    mos = {end: mean_interval(_changes(valid, end)) for end in EACH_END}
    judged = [(has_good_pesq(c, EACH_END, AS_SCORED), has_good_pesq(c, EACH_END)) for c in valid]
    known = [(there, here) for there, here in judged if there is not None and here is not None]
    if not known and not any(interval.n for interval in mos.values()):
        return None
    shares = paired_share_interval([there for there, _ in known], [here for _, here in known])
    return Scoring(mos, per_cent(shares))


def _changes(calls: Sequence[CallRecord], end: str) -> list[float]:
    pairs = [
        (getattr(call, f"{end}_{AS_SCORED}"), getattr(call, f"{end}_pesq_mos")) for call in calls
    ]
    return [there - here for there, here in pairs if there is not None and here is not None]
