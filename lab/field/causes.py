"""What the loss in PESQ goes with, over all valid calls of a table.

Two accounts of the same loss, which is the clip's score against itself less the call's:

*Steps.* Codec: the clip's own score less the codec's ceiling. Silence suppression: less the call's
ceiling (`lab.field.ceilings`). The rest: what network, playout and exchange took. Means over call
ends, with bootstrap intervals over series.

*Shares.* A linear model of the loss by codec, silence suppression, jitter (mean, and its
logarithm, since it saturates) and packet loss (likewise). Its R² is shared among the four by the
average, over every order of entering them, of what each adds: Lindeman, Merenda and Gold (1980),
"LMG", which is the Shapley value of R². Percentile intervals from drawing whole series. What goes
together cannot be told apart by any such share: where one follows from another, that is said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from math import factorial

import numpy as np

from lab.ends import EACH_END
from lab.field.row import CallRow
from lab.measure.capture import Floats
from lab.measure.statistics import Interval, mean_interval

OWN_MOS = 4.549
"""Of any clip against itself: P.862.1 of the raw 4.5."""
CAUSES = ("codec", "silence suppression", "jitter", "packet loss")
LEAST_ENDS, LEAST_SERIES = 40, 5
"""Below that a model with seven coefficients explains anything."""
RESAMPLES, SEED = 500, 15
FOLLOWS_R2 = 0.95
"""A cause of which so much is told by another one is that other one, for all the data say."""


@dataclass(frozen=True, slots=True)
class Step:
    """What one thing took, mean MOS over call ends."""

    cause: str
    loss_mos: Interval


@dataclass(frozen=True, slots=True)
class Share:
    """The part of the variance of the loss that is put down to a cause."""

    cause: str
    share: float
    low: float
    high: float
    """95 %."""


@dataclass(frozen=True, slots=True)
class Shares:
    """All of them, or why there are none."""

    shares: tuple[Share, ...]
    ends: int
    series: int
    remarks: tuple[str, ...]


def steps(rows: Sequence[CallRow]) -> tuple[Step, ...]:
    """From the clip's own score down to the calls', over the ends whose ceilings are known."""
    taken: list[tuple[float, float, float]] = []
    series: list[str] = []
    for row, end in _ends(rows):
        codec, call, mos = (
            getattr(row, end + name) for name in ("_codec_ceiling_mos", "_ceiling_mos", "_pesq_mos")
        )
        if None not in (codec, call, mos):
            taken.append((OWN_MOS - codec, codec - call, call - mos))
            series.append(row.series)
    names = ("codec", "silence suppression", "network, playout and exchange")
    return tuple(
        Step(name, mean_interval([each[place] for each in taken], series))
        for place, name in enumerate(names)
        if taken
    )


def shares(rows: Sequence[CallRow]) -> Shares:
    """How much of the loss each cause explains, by calls that differ."""
    table = [
        (row.codec or "?", vad, jitter, loss, OWN_MOS - mos, row.series)
        for row, end in _ends(rows)
        if (vad := getattr(row, f"{end}_vad")) is not None
        and (jitter := getattr(row, f"{end}_jitter_mean")) is not None
        and (loss := getattr(row, f"{end}_loss_pct")) is not None
        and (mos := getattr(row, f"{end}_pesq_mos")) is not None
    ]
    series = sorted({entry[5] for entry in table})
    if len(table) < LEAST_ENDS or len(series) < LEAST_SERIES:
        few = (
            f"{len(table)} call ends of {len(series)} series are too few to share the loss among "
            f"causes: it takes {LEAST_ENDS} of {LEAST_SERIES}."
        )
        return Shares((), len(table), len(series), (few,))
    codecs = sorted({entry[0] for entry in table})[1:]
    columns = {
        "codec": [[float(entry[0] == codec) for codec in codecs] for entry in table],
        "silence suppression": [[float(entry[1])] for entry in table],
        "jitter": [[entry[2], np.log1p(entry[2])] for entry in table],
        "packet loss": [[entry[3], np.log1p(entry[3])] for entry in table],
    }
    blocks = {cause: np.array(columns[cause], np.float64) for cause in CAUSES}
    loss = np.array([entry[4] for entry in table])
    member = np.array([series.index(entry[5]) for entry in table])
    moments = _moments(blocks, loss, member, len(series))
    found = _lmg(moments.sum(axis=0), blocks)
    generator = np.random.default_rng(SEED)
    drawn = generator.integers(len(series), size=(RESAMPLES, len(series)))
    spread = np.array([_lmg(moments[pick].sum(axis=0), blocks) for pick in drawn])
    low, high = np.percentile(spread, (2.5, 97.5), axis=0)
    return Shares(
        tuple(
            Share(cause, float(found[n]), float(low[n]), float(high[n]))
            for n, cause in enumerate(CAUSES)
        ),
        len(table),
        len(series),
        tuple(_followers(blocks)),
    )


def _ends(rows: Sequence[CallRow]) -> list[tuple[CallRow, str]]:
    return [(row, end) for row in rows if row.valid for end in EACH_END]


def _moments(blocks: dict[str, Floats], loss: Floats, member: np.ndarray, series: int) -> Floats:
    """Sums of products of [1, all columns, loss] over the ends of each series."""
    whole = np.column_stack([np.ones(len(loss)), *blocks.values(), loss])
    sums = np.zeros((series, whole.shape[1], whole.shape[1]))
    np.add.at(sums, member, whole[:, :, None] * whole[:, None, :])
    return sums


def _lmg(moments: Floats, blocks: dict[str, Floats]) -> Floats:
    """Each cause's share of R², in the order of `CAUSES`; they add up to R²."""
    n = moments[0, 0]
    covariance = moments[1:, 1:] / n - np.outer(moments[0, 1:], moments[0, 1:]) / n**2
    places = _places(tuple(block.shape[1] for block in blocks.values()))
    count = len(places)
    known: dict[tuple[int, ...], float] = {}
    for size in range(count + 1):
        for chosen in combinations(range(count), size):
            known[chosen] = _r2(covariance, [at for cause in chosen for at in places[cause]])
    result = np.zeros(count)
    for cause in range(count):
        others = [other for other in range(count) if other != cause]
        for size in range(count):
            weight = factorial(size) * factorial(count - size - 1) / factorial(count)
            for before in combinations(others, size):
                gain = known[tuple(sorted((*before, cause)))] - known[before]
                result[cause] += weight * gain
    return np.maximum(result, 0.0)


@cache
def _places(widths: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    """The columns of each cause."""
    ends = np.cumsum(widths)
    return tuple(tuple(range(end - width, end)) for end, width in zip(ends, widths, strict=True))


def _r2(covariance: Floats, columns: list[int]) -> float:
    """Of the last variable by some of the others."""
    if not columns or covariance[-1, -1] <= 0:
        return 0.0
    inner = covariance[np.ix_(columns, columns)]
    outer = covariance[columns, -1]
    scale = np.sqrt(np.maximum(np.diag(inner), 1e-12))
    inverse = np.linalg.pinv(inner / np.outer(scale, scale), rcond=1e-8, hermitian=True)
    explained = (outer / scale) @ inverse @ (outer / scale)
    return float(np.clip(explained / covariance[-1, -1], 0.0, 1.0))


def _followers(blocks: dict[str, Floats]) -> list[str]:
    """What the data cannot tell apart, in words."""
    said = []
    for cause, block in blocks.items():
        if not np.ptp(block, axis=0).any():
            said.append(
                f"{cause.capitalize()} is the same in all calls: it explains no difference."
            )
            continue
        for other, theirs in blocks.items():
            if other == cause or not np.ptp(theirs, axis=0).any():
                continue
            design = np.column_stack([np.ones(len(theirs)), theirs])
            fitted = design @ np.linalg.lstsq(design, block, rcond=None)[0]
            spread = np.sum((block - block.mean(axis=0)) ** 2)
            if 1 - np.sum((block - fitted) ** 2) / spread >= FOLLOWS_R2:
                said.append(
                    f"{cause.capitalize()} follows from {other} in these calls: their shares are "
                    "halves of what both explain, not two findings."
                )
    return said
