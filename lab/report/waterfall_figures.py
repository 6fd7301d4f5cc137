"""The steps from one study's share of good calls to the other's, each from where the last ended."""

from __future__ import annotations

import textwrap

from matplotlib.figure import Figure

from lab.report.pages import reach
from lab.report.waterfall import TOTALS, Kind, Waterfall

WIDTH_IN = 9.6
ROW_IN = 0.44
LABEL_WIDTH = 44
COLORS = {
    Kind.STUDY: "#444444",
    Kind.CORNER: "#8a8f98",
    Kind.MEASURED: "C0",
    Kind.REMAINDER: "#f2c879",
    Kind.UNEXPLAINED: "white",
}
HATCHES = {Kind.REMAINDER: "..", Kind.UNEXPLAINED: "////"}


def draw_waterfall(found: Waterfall) -> Figure:
    """A row per bar from top to bottom; thin lines with caps are 95 % intervals."""
    figure = Figure(figsize=(WIDTH_IN, ROW_IN * len(found.bars) + 1.3), layout="constrained")
    axes = figure.subplots()
    ends: list[float] = []
    for row, (bar, start) in enumerate(zip(found.bars, found.starts, strict=True)):
        end = start + bar.points
        below, above = reach(bar.size)
        axes.barh(
            row,
            bar.points,
            0.62,
            left=start,
            color=COLORS[bar.kind],
            hatch=HATCHES.get(bar.kind),
            edgecolor="black",
            linewidth=0.7,
        )
        if bar.size.low is not None:
            axes.errorbar(
                end, row, xerr=[[below], [above]], color="black", linewidth=0.9, capsize=2.5
            )
        text = f"{bar.points:.0f} %" if bar.kind in TOTALS else f"{bar.points:+.1f}"
        right = max(start, end + above)
        axes.annotate(
            text,
            (right, row),
            (5, 0),
            textcoords="offset points",
            va="center",
            fontsize="small",
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8},
        )
        if row:
            axes.plot([ends[-1]] * 2, [row - 0.69, row - 0.31], color="black", linewidth=0.7)
        ends.append(end)
    labels = [textwrap.fill(bar.name, LABEL_WIDTH) for bar in found.bars]
    axes.set_yticks(range(len(labels)), labels, fontsize="small")
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.axvline(0, color="black", linewidth=0.8)
    axes.use_sticky_edges = False
    axes.margins(x=0.08)
    axes.grid(axis="x", alpha=0.3)
    axes.set_axisbelow(True)
    axes.set_xlabel("share of good calls (%), and its change in percentage points")
    for kind in dict.fromkeys(bar.kind for bar in found.bars):
        axes.barh(
            [0], [0], color=COLORS[kind], hatch=HATCHES.get(kind), edgecolor="black", label=kind
        )
    figure.legend(loc="outside upper center", ncols=3, frameon=False, fontsize="small")
    return figure
