"""Delay and jitter by the place at which Nagle's algorithm is off, as bars per system."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lab.ends import EACH_END
from lab.report.nagle import Heard, Switched
from lab.report.pages import reach
from lab.report.systems import row_name
from lab.wire.nodelay import Place

WIDTH_IN = 7.2
PANEL_IN = 2.6
SHOWN = {"owd_ms_p50": "one-way delay (ms)", "jitter_mean": "jitter (ms)"}
SPREAD = 0.8
"""Of the room between two places, what its bars take."""


def draw_places(rows: Sequence[Switched]) -> Figure:
    """A row of panels per figure, a panel per end; a colour per system."""
    figure = Figure(figsize=(WIDTH_IN, PANEL_IN * len(SHOWN) + 0.6), layout="constrained")
    grid = figure.subplots(len(SHOWN), len(EACH_END), sharey="row", squeeze=False)
    systems = list(dict.fromkeys(_system(row) for row in rows))
    for line, (name, label) in zip(grid, SHOWN.items(), strict=True):
        for axes, position in zip(line, range(len(EACH_END)), strict=True):
            for row in rows:
                _draw(axes, row, row.heard[position], name, systems)
            axes.set_xticks(range(len(Place)), [str(place) for place in Place])
            axes.set_ylim(bottom=0)
            axes.grid(axis="y", alpha=0.3)
        line[0].set_ylabel(label)
    for axes, end in zip(grid[0], EACH_END, strict=True):
        axes.set_title(f"arriving at the {end}", fontsize="medium")
    for number, system in enumerate(systems):
        grid[0][0].plot([], [], color=f"C{number}", label=system)
    grid[0][0].legend(fontsize="x-small")
    return figure


def _system(row: Switched) -> str:
    return row_name(row.point.method, row.others)


def _draw(axes: Axes, row: Switched, heard: Heard, name: str, systems: Sequence[str]) -> None:
    interval = heard.measured[name]
    places = [str(place) for place in Place]
    if interval.estimate is None or row.place not in places:
        return
    number, width = systems.index(_system(row)), SPREAD / len(systems)
    at = places.index(row.place) - SPREAD / 2 + (number + 0.5) * width
    below, above = reach(interval)
    axes.bar(at, interval.estimate, width, color=f"C{number}", alpha=0.8)
    axes.errorbar(at, interval.estimate, [[below], [above]], color="black", linewidth=0.8)
    predicted = heard.jitter_predicted.estimate
    if name == "jitter_mean" and predicted is not None:
        axes.plot(at, predicted, "kx", markersize=4)
