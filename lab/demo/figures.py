"""The pictures of demonstrations: bars, and a curve against what was varied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lab.report.pages import Drawing

WIDTH_IN = 6.4
BAR_IN = 0.42
CURVE_IN = 3.2
SHADES = ("C0", "C1", "C2")
HATCHES = ("", "//", "..")
"""Beside the colours: a record may be printed in black and white."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar, of parts that add up."""

    label: str
    parts: tuple[float, ...]
    told: str
    """Its value in words, beside it."""
    marked: bool = False
    """Whether it is hatched: what is not to be believed, say."""


def draw_bars(
    name: str,
    caption: str,
    unit: str,
    bars: Sequence[Bar],
    parts: Sequence[str] = (),
    lines: Mapping[str, float] | None = None,
) -> Drawing:
    """Horizontal bars, the first on top; `parts` names what each is made of, where of several.

    `lines` are values to compare with, by their names.
    """
    figure = Figure(figsize=(WIDTH_IN, 1.2 + BAR_IN * len(bars)), layout="constrained")
    axes = figure.subplots()
    left = [0.0] * len(bars)
    places = range(len(bars))
    for number in range(max(len(bar.parts) for bar in bars)):
        widths = [bar.parts[number] if number < len(bar.parts) else 0.0 for bar in bars]
        drawn = axes.barh(
            places,
            widths,
            left=left,
            height=0.7,
            color=SHADES[number % len(SHADES)],
            label=parts[number] if number < len(parts) else None,
            edgecolor="white",
        )
        for one, bar in zip(drawn.patches, bars, strict=True):
            one.set_hatch("xx" if bar.marked else HATCHES[number % len(HATCHES)])
        left = [start + width for start, width in zip(left, widths, strict=True)]
    for place, (end, bar) in enumerate(zip(left, bars, strict=True)):
        axes.annotate(
            bar.told, (max(end, 0.0), place), (4, 0), textcoords="offset points", va="center"
        )
    axes.set_yticks(places, [bar.label for bar in bars])
    axes.invert_yaxis()
    axes.margins(x=0.25)
    axes.set_xlim(left=min(0.0, *left))
    axes.set_xlabel(unit)
    _mark(axes, lines or {}, vertical=True)
    if parts or lines:
        axes.legend(frameon=False, fontsize="small")
    return Drawing(name, caption, figure)


def draw_curve(
    name: str,
    caption: str,
    labels: tuple[str, str],
    points: Sequence[tuple[float, float]],
    across: Mapping[str, float],
    up: Mapping[str, float],
) -> Drawing:
    """Points joined in order of x; `across` are values of y to compare with, `up` values of x."""
    figure = Figure(figsize=(WIDTH_IN, CURVE_IN), layout="constrained")
    axes = figure.subplots()
    if points:
        x, y = zip(*sorted(points), strict=True)
        axes.plot(x, y, marker="o", color="C0")
    axes.set_xlabel(labels[0])
    axes.set_ylabel(labels[1])
    axes.grid(alpha=0.3)
    _mark(axes, across, vertical=False)
    _mark(axes, up, vertical=True)
    if across or up:
        axes.legend(frameon=False, fontsize="small")
    return Drawing(name, caption, figure)


def _mark(axes: Axes, lines: Mapping[str, float], *, vertical: bool) -> None:
    styles = (":", "--", "-.")
    for number, (label, value) in enumerate(lines.items()):
        style = styles[number % len(styles)]
        if vertical:
            axes.axvline(value, color="C3", linestyle=style, label=label)
        else:
            axes.axhline(value, color="grey", linestyle=style, label=label)
