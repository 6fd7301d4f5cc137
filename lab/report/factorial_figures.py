"""Effects of a designed experiment as bars with their intervals, the largest first."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lab.measure.intervals import excludes_zero
from lab.report.factorial import FactorEffect
from lab.report.pages import reach
from lab.report.responses import DELAY, GOOD, PESQ, Response

WIDTH_IN = 9.6
ROW_IN = 0.3
MOST_BARS = 24
SHOWN = (PESQ, DELAY, GOOD)
"""In the figure, in sentences, and in the tables of effects."""
TITLES = {PESQ.name: "PESQ, worse end", DELAY.name: "delay (ms)", GOOD.name: "good calls (points)"}
SEEN, UNSEEN = "C0", "#b8c4d0"


def draw_effects(effects: Sequence[FactorEffect]) -> Figure:
    """A panel per response, a row per effect, in the order given; pale: may be nothing."""
    shown = effects[:MOST_BARS]
    height = ROW_IN * len(shown) + 1.1
    figure = Figure(figsize=(WIDTH_IN, height), layout="constrained")
    panels = figure.subplots(1, len(SHOWN), sharey=True, squeeze=False)[0]
    for axes, response in zip(panels, SHOWN, strict=True):
        _draw(axes, shown, response)
    panels[0].set_yticks(range(len(shown)), [effect.name for effect in shown], fontsize="small")
    panels[0].set_ylim(len(shown) - 0.4, -0.6)
    return figure


def _draw(axes: Axes, effects: Sequence[FactorEffect], response: Response) -> None:
    for row, effect in enumerate(effects):
        size = effect.sizes[response.name]
        if size.estimate is None:
            continue
        axes.barh(row, size.estimate, 0.7, color=SEEN if excludes_zero(size) else UNSEEN)
        if size.low is not None:
            below, above = reach(size)
            axes.errorbar(
                size.estimate, row, xerr=[[below], [above]], color="black", linewidth=0.9, capsize=2
            )
    axes.axvline(0, color="black", linewidth=0.8)
    axes.grid(axis="x", alpha=0.3)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize="small")
    axes.set_title(TITLES[response.name], fontsize="medium")
