"""The field analysis in a few figures: what each group of calls came to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lab.field.row import CallRow
from lab.measure.good_call import GOOD_MOS
from lab.measure.statistics import Counts, Interval, count_calls, mean_interval, share_interval


@dataclass(frozen=True, slots=True)
class Group:
    """Calls of one codec with or without Tor; means over the valid ones only."""

    tor_status: str
    codec: str
    counts: Counts
    mos: Interval
    """Mean of both ends' MOS-LQO."""
    good: Interval
    """Share of calls in which both ends heard more than GOOD_MOS."""
    owd_ms: Interval
    """Mean of the two directions' median delays."""


def overview(rows: Sequence[CallRow]) -> list[Group]:
    """Groups by Tor status and codec, in the order of the alphabet."""
    keys = sorted({(row.tor_status or "?", row.codec or "?") for row in rows})
    return [
        _group(key, [row for row in rows if (row.tor_status or "?", row.codec or "?") == key])
        for key in keys
    ]


def _group(key: tuple[str, str], rows: list[CallRow]) -> Group:
    # Calls of one location share a path, so they are not independent.
    mos = [(m, row.series) for row in rows if (m := _worse_and_mean(row)) is not None]
    owd = [
        ((row.caller_owd_ms_p50 + row.callee_owd_ms_p50) / 2, row.series)
        for row in rows
        if row.valid and row.caller_owd_ms_p50 is not None and row.callee_owd_ms_p50 is not None
    ]
    return Group(
        tor_status=key[0],
        codec=key[1],
        counts=count_calls(rows),
        mos=mean_interval([mean for (_, mean), _ in mos], [series for _, series in mos]),
        good=share_interval(sum(worse > GOOD_MOS for (worse, _), _ in mos), len(mos)),
        owd_ms=mean_interval([value for value, _ in owd], [series for _, series in owd]),
    )


def _worse_and_mean(row: CallRow) -> tuple[float, float] | None:
    """MOS of the end that heard worse, and of both on average."""
    if not row.valid or row.caller_pesq_mos is None or row.callee_pesq_mos is None:
        return None
    both = (row.caller_pesq_mos, row.callee_pesq_mos)
    return min(both), float(np.mean(both))
