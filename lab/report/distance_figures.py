"""One-way delay and jitter of calls between places, as distributions over calls."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lab.report.distance import Arrival, DistanceCalls
from lab.report.paper import SECOND_JITTER_MS, TOR_DELAY_MS, TOR_JITTER_MS
from lab.report.systems import system_of

WIDTH_IN = 7.2
PANEL_IN = 2.8
STYLES = ("-", "--")
"""Of what arrived at the caller, at the callee."""


def draw_delay(rows: Sequence[DistanceCalls]) -> Figure:
    """A panel per pair of places: the share of calls below a delay, by method and end."""

    def study(axes: Axes) -> None:
        low, high = (TOR_DELAY_MS.value + side * TOR_DELAY_MS.reach for side in (-1, 1))
        axes.axvspan(low, high, color="grey", alpha=0.25, linewidth=0)

    return _draw(rows, lambda arrival: arrival.delays_ms, study, "one-way delay, median (ms)")


def draw_jitter(rows: Sequence[DistanceCalls]) -> Figure:
    """The same of each call's mean jitter."""

    def study(axes: Axes) -> None:
        axes.axvline(TOR_JITTER_MS.value, color="grey", linewidth=1)
        for figure in SECOND_JITTER_MS.values():
            axes.axvline(figure.value, color="grey", linestyle=":", linewidth=1)

    return _draw(rows, lambda arrival: arrival.jitters_ms, study, "jitter, mean (ms)")


def _draw(
    rows: Sequence[DistanceCalls],
    values: Callable[[Arrival], Sequence[float]],
    study: Callable[[Axes], None],
    label: str,
) -> Figure:
    pairs = list(dict.fromkeys(row.pair for row in rows))
    methods = list(dict.fromkeys(row.point.method for row in rows))
    figure = Figure(figsize=(WIDTH_IN, PANEL_IN * len(pairs) + 0.6), layout="constrained")
    grid = figure.subplots(len(pairs), 1, sharex=True, squeeze=False)
    panels = [axes for line in grid for axes in line]
    for axes, pair in zip(panels, pairs, strict=True):
        for row in rows:
            if row.pair != pair:
                continue
            for arrival, style in zip(row.arrivals, STYLES, strict=True):
                color = f"C{methods.index(row.point.method)}"
                _draw_shares(axes, values(arrival), color, style)
        study(axes)
        axes.set_ylim(0, 1)
        axes.set_ylabel("share of calls")
        axes.grid(alpha=0.3)
        axes.set_title(pair, fontsize="medium")
    # Shared, and so for all panels: before the last of them it would leave out what is in others.
    panels[-1].set_xlim(left=0)
    panels[-1].set_xlabel(label)
    for number, method in enumerate(methods):
        panels[0].plot([], [], color=f"C{number}", label=system_of(method))
    figure.legend(loc="outside upper center", ncols=len(methods), frameon=False)
    return figure


def _draw_shares(axes: Axes, values: Sequence[float], color: str, style: str) -> None:
    if values:
        shares = np.arange(len(values) + 1) / len(values)
        axes.step([values[0], *values], shares, style, where="post", color=color)
