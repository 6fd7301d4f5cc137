"""PESQ, delay and loss against the number of competing streams."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.markers import CARETDOWNBASE, CARETUPBASE

from lab.measure.good_call import GOOD_DELAY_MS, GOOD_MOS
from lab.report.contention import Curve, Step
from lab.report.pages import reach
from lab.report.paper import ContentionTable
from lab.sweep.dimensions.rate import RATE

SIZE_IN = (7.2, 4.4)


def draw_pesq(
    curves: Sequence[Curve], names: Sequence[str], paper: ContentionTable | None
) -> Figure:
    """MOS-LQO against N, with the paper's points where there are any."""
    figure = Figure(figsize=SIZE_IN, layout="constrained")
    axes = figure.subplots()
    for curve, name in zip(curves, names, strict=True):
        steps = [step for step in curve.steps if step.mos.estimate is not None]
        means = [step.mos.estimate or 0.0 for step in steps]
        errors = [[reach(step.mos)[side] for step in steps] for side in (0, 1)]
        axes.errorbar(
            [step.count for step in steps], means, errors, marker="o", capsize=3, label=name
        )
    last = max((step.count for curve in curves for step in curve.steps), default=0)
    if paper is not None:
        rates = {curve.point[RATE] for curve in curves} - {None}
        if len(rates) == 1:
            _draw_paper(axes, paper, (rates.pop() or paper.rate_kbps) / paper.rate_kbps, last)
    axes.axhline(GOOD_MOS, color="grey", linestyle=":", linewidth=1)
    axes.set_ylim(0.9, 4.7)
    axes.set_xlim(left=0)
    _finish(axes, "PESQ MOS-LQO (P.862.1)")
    return figure


def _draw_paper(axes: Axes, paper: ContentionTable, scale: float, last: int) -> None:
    """The paper's rows: a value as a star, a bound as a line with an arrow on its side."""
    label = f"paper, Table {paper.number}"
    for row in paper.rows:
        low = max(0.0, row.above * scale)
        end = max(last, 1.15 * low)
        high = end if row.below is None else min(row.below * scale, end)
        if row.pesq.kind == "about":
            axes.plot((low + high) / 2, row.pesq.value, "k*", markersize=12, label=label)
        else:
            axes.hlines(row.pesq.value, low, high, colors="k", label=label)
            marker = CARETUPBASE if row.pesq.kind == "above" else CARETDOWNBASE
            axes.plot((low + high) / 2, row.pesq.value, color="k", marker=marker, markersize=9)
        label = ""


def draw_delay_and_loss(curves: Sequence[Curve], names: Sequence[str]) -> Figure:
    """One-way delay and packet loss against N, one above the other."""
    figure = Figure(figsize=(SIZE_IN[0], 1.5 * SIZE_IN[1]), layout="constrained")
    delay, loss = figure.subplots(2, 1, sharex=True)
    for position, (curve, name) in enumerate(zip(curves, names, strict=True)):
        color = f"C{position % 10}"
        for attribute, style in (("owd_ms_p50", "-"), ("owd_ms_p95", "--")):
            counts, means = _known(curve.steps, attribute)
            label = name if style == "-" else None
            delay.plot(counts, means, style, marker="o", color=color, label=label)
        counts, means = _known(curve.steps, "loss_pct")
        loss.plot(counts, means, marker="o", color=color, label=name)
    delay.axhline(GOOD_DELAY_MS, color="grey", linestyle=":", linewidth=1)
    delay.set_yscale("log")
    loss.set_ylim(bottom=0)
    _finish(delay, "one-way delay (ms)")
    _finish(loss, "loss (%)")
    delay.set_xlabel("")
    return figure


def _known(steps: Sequence[Step], attribute: str) -> tuple[list[int], list[float]]:
    pairs = [
        (step.count, mean)
        for step in steps
        if (mean := getattr(step, attribute).estimate) is not None
    ]
    return [count for count, _ in pairs], [mean for _, mean in pairs]


def _finish(axes: Axes, label: str) -> None:
    axes.set_xlabel("competing streams")
    axes.set_ylabel(label)
    axes.grid(alpha=0.3)
    if axes.get_legend_handles_labels()[1]:
        axes.legend(frameon=False, fontsize="small")
