"""What only the calls of one location together show: mixed-up files, a broken environment."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.stats import rankdata

from lab.field.packets import DIFFERENT_CALLS
from lab.field.row import CallRow
from lab.measure.capture import Floats

MIN_SEGMENT_CALLS = 5
"""Shorter stretches are single bad calls, which any network has."""
SIGNIFICANCE = 0.001
"""Chance of a break where there is none; a study has tens of series."""
PERMUTATIONS, PERMUTATION_SEED = 9999, 1
BROKEN_DROP_MOS = 1.0
"""A stretch whose median lies this far below its series' best stretch is called broken:
congestion makes calls vary by that much, but not all of them at once from one call on."""


def judge_series(rows: Sequence[CallRow]) -> list[CallRow]:
    """The rows in their order, with what their series says added to each."""
    members: dict[str, list[int]] = defaultdict(list)
    for index, row in enumerate(rows):
        members[row.series].append(index)
    judged = list(rows)
    for indices in members.values():
        indices.sort(key=lambda index: rows[index].iteration_no)
        series = _with_partners([rows[index] for index in indices])
        for index, row in zip(indices, _with_segments(series), strict=True):
            judged[index] = row
    return judged


def _with_partners(series: list[CallRow]) -> list[CallRow]:
    """Where two ends' files are of different calls, say which call the callee's belongs to.

    Load generators give one SSRC to every call: then it names none.
    """
    by_ssrc: dict[str, list[int]] = defaultdict(list)
    for row in series:
        if row.callee_ssrc:
            by_ssrc[row.callee_ssrc].append(row.iteration_no)
    result = []
    for row in series:
        partners = by_ssrc.get(row.caller_sent_ssrc or "", [])
        if row.ssrc_matched is not False or len(partners) != 1:
            result.append(row)
            continue
        named = f"{DIFFERENT_CALLS} (the caller's other end is callee {partners[0]})"
        reasons = row.invalid_reasons.replace(DIFFERENT_CALLS, named)
        result.append(replace(row, invalid_reasons=reasons))
    return result


def _with_segments(series: list[CallRow]) -> list[CallRow]:
    """Number the stretches between breaks of level, and mark those that are broken."""
    levels = np.array([_level(row) for row in series])
    breaks = change_points(levels)
    segment = np.searchsorted(breaks, np.arange(len(series)), side="right")
    medians = [float(np.median(levels[segment == number])) for number in range(len(breaks) + 1)]
    result = []
    for row, number in zip(series, segment.tolist(), strict=True):
        valid, reasons = row.valid, row.invalid_reasons
        if max(medians) - medians[number] >= BROKEN_DROP_MOS:
            first = series[int(np.flatnonzero(segment == number)[0])].iteration_no
            reason = (
                f"broken environment: from call {first} on the series' median is "
                f"{medians[number]:.1f} instead of {max(medians):.1f} MOS"
            )
            valid, reasons = False, "; ".join(filter(None, (reasons, reason)))
        result.append(replace(row, segment=number, valid=valid, invalid_reasons=reasons))
    return result


def _level(row: CallRow) -> float:
    """One figure for how a call went: mean MOS of both ends; a failed call is the worst, 1."""
    found = [mos for mos in (row.caller_pesq_mos, row.callee_pesq_mos) if mos is not None]
    return float(np.mean(found)) if found else 1.0


def change_points(levels: Floats) -> list[int]:
    """Where a series' level breaks: indices of the first call of each further stretch.

    Pettitt's rank statistic (Applied Statistics 28, 1979), applied again to both sides of
    every break it finds (binary segmentation). Its chance comes from random orders of the
    same calls, because Pettitt's own approximation is too careful for short series.
    """
    return sorted(_breaks(levels, 0, np.random.default_rng(PERMUTATION_SEED)))


def _breaks(levels: Floats, offset: int, generator: np.random.Generator) -> list[int]:
    n = len(levels)
    if n < 2 * MIN_SEGMENT_CALLS:
        return []
    ranks = rankdata(levels)
    found = _rank_excess(ranks[None, :])[0]
    orders = generator.permuted(np.tile(ranks, (PERMUTATIONS, 1)), axis=1)
    as_far = np.sum(_rank_excess(orders).max(axis=1) >= found.max())
    if (as_far + 1) / (PERMUTATIONS + 1) > SIGNIFICANCE:
        return []
    at = int(np.argmax(found)) + MIN_SEGMENT_CALLS
    return [
        offset + at,
        *_breaks(levels[:at], offset, generator),
        *_breaks(levels[at:], offset + at, generator),
    ]


def _rank_excess(ranks: Floats) -> Floats:
    """Pettitt's |U| for every place where a series may break; one series per row."""
    n = ranks.shape[1]
    before = np.arange(1, n + 1)
    u = 2 * np.cumsum(ranks, axis=1) - before * (n + 1)
    excess: Floats = np.abs(u)[:, MIN_SEGMENT_CALLS - 1 : n - MIN_SEGMENT_CALLS]
    return excess
