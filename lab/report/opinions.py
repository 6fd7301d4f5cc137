"""Several opinions on the same calls: how far they agree, and what each is bothered by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

import numpy as np
from scipy import stats

from lab.ends import EACH_END
from lab.measure.disagreement import DEAF, disagree
from lab.measure.opinion import Opinion
from lab.measure.opinions import OPINIONS
from lab.measure.record import CallRecord

LEAST_ENDS = 4
"""Of fewer there is no correlation."""


@dataclass(frozen=True, slots=True)
class CallEnd:
    """What was said of what one end of a valid call received."""

    call_id: str
    end: str
    method: str
    codec: str
    deltas: dict[str, float]
    """By the opinion's name: what it said, less what it says of the codec alone."""
    late_s: float | None
    """Voice that came, but too late to be played, seconds."""
    lost_s: float | None
    """Voice that never came."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """How two opinions go together over call ends."""

    one: str
    other: str
    n: int
    spearman: float | None
    """Rank correlation of their deltas; None of too few, or where one says the same of all."""
    opposite: int
    """Call ends on which they disagree in sign (`lab.measure.disagreement`)."""
    pairs: int
    """Pairs of call ends of one codec that both tell apart by more than their tolerance."""
    swapped: int
    """Of them those that they put in opposite order."""


@dataclass(frozen=True, slots=True)
class Compared:
    """The opinions on the calls of a run."""

    ends: tuple[CallEnd, ...]
    opinions: tuple[str, ...]
    """Those that are known of any of them, in order."""
    agreements: tuple[Agreement, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def compare(calls: Sequence[CallRecord]) -> Compared | None:
    """Set them side by side; None where nobody asked for a second one that listens."""
    ends = [found for call in calls if call.valid for found in _ends(call)]
    known = [
        opinion.name for opinion in OPINIONS if any(opinion.name in end.deltas for end in ends)
    ]
    if not any(OPINIONS.named(name).is_extra for name in known):
        return None
    listening = [OPINIONS.named(name) for name in known if name not in DEAF]
    return Compared(
        tuple(ends),
        tuple(known),
        tuple(_agreement(ends, *pair) for pair in combinations(listening, 2)),
    )


def _ends(call: CallRecord) -> list[CallEnd]:
    row = call.to_dict()
    found = []
    for end in EACH_END:
        deltas = {
            opinion.name: delta
            for opinion in OPINIONS
            if (delta := opinion.delta(row, end)) is not None
        }
        lost_pct, missed_pct = row[f"{end}_loss_pct"], row[f"{end}_concealed_pct"]
        seconds = call.duration_s
        lost_s = late_s = None
        if seconds is not None and lost_pct is not None:
            lost_s = seconds * lost_pct / 100
            # Where no ledger of stalls was kept: what the phone concealed and was not lost.
            if (late_pct := row.get(f"{end}_late_pct")) is None and missed_pct is not None:
                late_pct = max(0.0, missed_pct - lost_pct)
            late_s = None if late_pct is None else seconds * late_pct / 100
        found.append(CallEnd(call.call_id, end, call.method, call.codec, deltas, late_s, lost_s))
    return found


def _agreement(ends: Sequence[CallEnd], one: Opinion, other: Opinion) -> Agreement:
    both = [end for end in ends if one.name in end.deltas and other.name in end.deltas]
    first = np.array([end.deltas[one.name] for end in both])
    second = np.array([end.deltas[other.name] for end in both])
    opposite = sum(
        disagree(one, a, other, b) or disagree(other, b, one, a)
        for a, b in zip(first, second, strict=True)
    )
    pairs = swapped = 0
    for i, j in combinations(range(len(both)), 2):
        if both[i].codec != both[j].codec:
            continue
        by_one, by_other = first[i] - first[j], second[i] - second[j]
        if abs(by_one) > one.tolerance and abs(by_other) > other.tolerance:
            pairs += 1
            swapped += bool(by_one * by_other < 0)
    spearman = None
    if len(both) >= LEAST_ENDS and np.ptp(first) and np.ptp(second):
        spearman = float(stats.spearmanr(first, second).statistic)
    return Agreement(one.name, other.name, len(both), spearman, int(opposite), pairs, swapped)
