"""The second study's figures, drawn from the rows of `lab field`.

Only valid calls enter. Both ends of a call are drawn, since each heard its own network; n is
in calls.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy import stats

from lab.errors import LabError
from lab.field.row import CallRow
from lab.measure.good_call import GOOD_DELAY_MS, GOOD_MOS
from lab.report.pages import Drawing

SIZE_IN = (6.4, 4.2)
JITTER_LINEAR_BELOW_MS = 0.1
"""Jitter spans decades, and is 0 on a perfect path."""
MOST_CURVES = 12
"""More curves cannot be told apart; the smallest groups are left out, and said so."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One end of one valid call."""

    call: tuple[str, int]
    codec: str
    location: str
    tor_status: str
    mos: float | None
    jitter_mean_ms: float | None
    owd_p50_ms: float | None


def samples(rows: Iterable[CallRow]) -> list[Sample]:
    """Both ends of every valid call."""
    return [
        Sample(
            call=(row.series, row.iteration_no),
            codec=row.codec or "?",
            location=row.location,
            tor_status=row.tor_status or "?",
            mos=mos,
            jitter_mean_ms=jitter,
            owd_p50_ms=owd,
        )
        for row in rows
        if row.valid
        for mos, jitter, owd in (
            (row.caller_pesq_mos, row.caller_jitter_mean, row.caller_owd_ms_p50),
            (row.callee_pesq_mos, row.callee_jitter_mean, row.callee_owd_ms_p50),
        )
    ]


def draw(rows: Sequence[CallRow]) -> tuple[Drawing, ...]:
    """Every figure of the study, with the names of its files and its caption.

    Raises LabError where no call is valid.
    """
    ends = samples(rows)
    if not ends:
        raise LabError("No valid call, so there is nothing to draw.")
    return (
        Drawing(
            "pesq",
            f"PESQ of both ends of every valid call; dotted: {GOOD_MOS:g}, above which both "
            "studies call it good.",
            pesq_cdf(ends, lambda end: end.tor_status),
        ),
        Drawing(
            "pesq_by_codec",
            "PESQ by codec, with and without Tor.",
            pesq_cdf(ends, lambda end: f"{end.codec}, {end.tor_status}"),
        ),
        Drawing(
            "pesq_by_location",
            "PESQ by location, with and without Tor.",
            pesq_cdf(ends, lambda end: f"{end.location}, {end.tor_status}"),
        ),
        Drawing("jitter", "Mean of the running RFC 3550 jitter of each end.", jitter_cdf(ends)),
        Drawing(
            "delay",
            f"Median one-way delay of each end; dotted: {GOOD_DELAY_MS:g} ms.",
            delay_cdf(ends),
        ),
        Drawing(
            "jitter_against_pesq",
            f"PESQ against jitter, a point per call end. {jitter_correlation(ends)}.",
            jitter_against_pesq(ends),
        ),
    )


def pesq_cdf(ends: Sequence[Sample], group: Callable[[Sample], str]) -> Figure:
    """Cumulative share of MOS-LQO, one curve per group."""
    return _cdf(ends, group, lambda end: end.mos, "PESQ MOS-LQO (P.862.1)", mark=GOOD_MOS)


def jitter_cdf(ends: Sequence[Sample]) -> Figure:
    """Cumulative share of the mean running jitter, with and without Tor."""
    return _cdf(
        ends,
        lambda end: end.tor_status,
        lambda end: end.jitter_mean_ms,
        "mean RFC 3550 jitter (ms)",
        logarithmic=True,
    )


def delay_cdf(ends: Sequence[Sample]) -> Figure:
    """Cumulative share of the median one-way delay, with and without Tor."""
    return _cdf(
        ends,
        lambda end: end.tor_status,
        lambda end: end.owd_p50_ms,
        "median one-way delay (ms)",
        mark=GOOD_DELAY_MS,
    )


def jitter_against_pesq(ends: Sequence[Sample]) -> Figure:
    """Each end's MOS-LQO over its mean jitter, with the rank correlation of both."""
    figure, axes = _figure()
    pairs = [
        (end, end.jitter_mean_ms, end.mos)
        for end in ends
        if end.mos is not None and end.jitter_mean_ms is not None
    ]
    for codec in sorted({end.codec for end, _, _ in pairs}):
        mine = [(jitter, mos) for end, jitter, mos in pairs if end.codec == codec]
        jitters, scores = zip(*mine, strict=True)
        axes.scatter(jitters, scores, s=14, label=_as_it_is(codec), alpha=0.7)
    axes.set_xscale("symlog", linthresh=JITTER_LINEAR_BELOW_MS)
    axes.set_xlabel("mean RFC 3550 jitter (ms)")
    axes.set_ylabel("PESQ MOS-LQO (P.862.1)")
    axes.set_title(jitter_correlation(ends))
    if pairs:
        axes.legend(frameon=False)
    return figure


def jitter_correlation(ends: Sequence[Sample]) -> str:
    """How jitter and PESQ of the call ends go together, in words."""
    pairs = [
        (end.jitter_mean_ms, end.mos)
        for end in ends
        if end.mos is not None and end.jitter_mean_ms is not None
    ]
    return correlation_text([jitter for jitter, _ in pairs], [mos for _, mos in pairs])


def correlation_text(jitter_ms: Sequence[float], mos: Sequence[float]) -> str:
    """Spearman's rank correlation in words, for a title.

    Ranks, because jitter spans decades and neither quantity is normal.
    """
    if len(mos) < 4 or len(set(mos)) == 1 or len(set(jitter_ms)) == 1:
        return f"n = {len(mos)}: too few for a correlation"
    result = stats.spearmanr(jitter_ms, mos)
    found = f"{result.statistic:.2f}, p = {result.pvalue:.2g}, n = {len(mos)} call ends"
    return f"Spearman's rank correlation {found}"


def _as_it_is(name: str) -> str:
    """A name in a legend that matplotlib neither sets as mathematics nor leaves out."""
    return name.replace("$", r"\$") if not name.startswith("_") else " " + name.replace("$", r"\$")


def _figure() -> tuple[Figure, Axes]:
    figure = Figure(figsize=SIZE_IN, layout="constrained")
    axes = figure.subplots()
    axes.grid(alpha=0.3)
    return figure, axes


def _cdf(
    ends: Sequence[Sample],
    group: Callable[[Sample], str],
    value: Callable[[Sample], float | None],
    label: str,
    *,
    mark: float | None = None,
    logarithmic: bool = False,
) -> Figure:
    figure, axes = _figure()
    curves: dict[str, list[float]] = {}
    calls: dict[str, set[tuple[str, int]]] = {}
    for end in ends:
        number = value(end)
        if number is not None:
            curves.setdefault(group(end), []).append(number)
            calls.setdefault(group(end), set()).add(end.call)
    kept = sorted(sorted(curves), key=lambda name: -len(calls[name]))[:MOST_CURVES]
    for name in sorted(kept):
        label_of_curve = _as_it_is(f"{name} (n = {len(calls[name])})")
        axes.ecdf(np.array(curves[name]), label=label_of_curve)
    if mark is not None:
        axes.axvline(mark, color="grey", linestyle=":", linewidth=1)
    if logarithmic:
        axes.set_xscale("symlog", linthresh=JITTER_LINEAR_BELOW_MS)
    axes.set_xlabel(label)
    axes.set_ylabel("share of call ends")
    if len(kept) < len(curves):
        axes.set_title(f"the {len(kept)} largest of {len(curves)} groups")
    if kept:
        axes.legend(frameon=False, fontsize="small")
    return figure
