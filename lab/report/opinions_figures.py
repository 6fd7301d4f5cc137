"""Opinions drawn against one another, and against what was late and what was lost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import combinations

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lab.measure.disagreement import DEAF
from lab.measure.opinions import OPINIONS
from lab.report.opinions import CallEnd, Compared

PANEL_IN = 3.0
MARKERS = "osD^v<>P*X"
"""One for each method."""


def draw_against(found: Compared) -> Figure:
    """A panel per pair of opinions that listen: what each says, less what it says of the codec."""
    names = [name for name in found.opinions if name not in DEAF]
    pairs = list(combinations(names, 2))
    figure, panels = _panels(len(pairs))
    for axes, (one, other) in zip(panels, pairs, strict=True):
        _scatter(axes, found.ends, partial(_delta, one), other)
        axes.axhline(0, color="grey", linewidth=0.8)
        axes.axvline(0, color="grey", linewidth=0.8)
        axes.set_xlabel(f"{_title(one)}, less the codec alone")
        axes.set_ylabel(f"{_title(other)}, less the codec alone")
    _name_methods(figure, panels[0], found.ends)
    return figure


def draw_by_time(found: Compared) -> Figure:
    """A column per opinion: what it says over the seconds that came late, and over those lost."""
    names = found.opinions
    figure = Figure(figsize=(PANEL_IN * len(names), 2 * PANEL_IN + 0.5), layout="constrained")
    grid = figure.subplots(2, len(names), squeeze=False, sharey="col")
    kinds: tuple[tuple[str, Callable[[CallEnd], float | None]], ...] = (
        ("came too late (s)", lambda end: end.late_s),
        ("never came (s)", lambda end: end.lost_s),
    )
    for line, (label, seconds) in zip(grid, kinds, strict=True):
        for axes, name in zip(line, names, strict=True):
            _scatter(axes, found.ends, seconds, name)
            axes.axhline(0, color="grey", linewidth=0.8)
            axes.set_xlabel(label)
            axes.set_ylabel(f"{_title(name)}, less the codec alone")
            axes.set_xlim(left=-0.02 * max(1.0, axes.get_xlim()[1]))
    _name_methods(figure, grid[0][0], found.ends)
    return figure


def _delta(name: str, end: CallEnd) -> float | None:
    return end.deltas.get(name)


def _panels(count: int) -> tuple[Figure, list[Axes]]:
    figure = Figure(figsize=((PANEL_IN + 0.3) * count, PANEL_IN + 0.6), layout="constrained")
    grid = figure.subplots(1, count, squeeze=False)
    return figure, list(grid[0])


def _scatter(
    axes: Axes, ends: Sequence[CallEnd], across: Callable[[CallEnd], float | None], name: str
) -> None:
    for number, method in enumerate(_methods(ends)):
        points = [
            (x, end.deltas[name])
            for end in ends
            if end.method == method and name in end.deltas and (x := across(end)) is not None
        ]
        if points:
            xs, ys = zip(*points, strict=True)
            axes.plot(xs, ys, MARKERS[number % len(MARKERS)], color=f"C{number}", alpha=0.7, ms=4)
    axes.grid(alpha=0.3)


def _name_methods(figure: Figure, axes: Axes, ends: Sequence[CallEnd]) -> None:
    methods = _methods(ends)
    for number, method in enumerate(methods):
        marker = MARKERS[number % len(MARKERS)]
        axes.plot([], [], marker, color=f"C{number}", label=method, ms=4)
    figure.legend(loc="outside upper center", ncols=max(1, len(methods)), frameon=False)


def _methods(ends: Sequence[CallEnd]) -> list[str]:
    return list(dict.fromkeys(end.method for end in ends))


def _title(name: str) -> str:
    return OPINIONS.named(name).title
