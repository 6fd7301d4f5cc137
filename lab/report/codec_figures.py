"""PESQ and bandwidth by codec."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lab.measure.good_call import GOOD_MOS
from lab.report.codecs import CodecCalls, coding
from lab.report.pages import reach
from lab.report.systems import system_of
from lab.sweep.dimensions.rate import RATE

WIDTH_IN = 9.0
PANEL_IN = 3.4
GROUP = 0.8
"""How much of a codec's place its methods fill."""
MOS_RANGE = (0.9, 4.7)
BARS = (
    ("tunnel_ip", "inside the tunnel, IP"),
    ("exit_eth", "last hop to the server, Ethernet"),
    ("access_eth", "caller's own link, Ethernet"),
)
"""The points that are drawn, from the least to the most that Tor adds."""


def draw_pesq(rows: Sequence[CodecCalls]) -> Figure:
    """A panel per link: every call's MOS-LQO by codec and method, beside the ceiling."""
    links = _links(rows)
    figure, panels = _panels(len(links))
    methods = list(dict.fromkeys(row.point.method for row in rows))
    for axes, link in zip(panels, links, strict=True):
        mine = [row for row in rows if row.link == link]
        codings = list(dict.fromkeys(coding(row.point) for row in mine))
        for row in mine:
            number = methods.index(row.point.method)
            place = codings.index(coding(row.point)) + _offset(number, len(methods))
            _draw_spread(axes, row, place, f"C{number}", GROUP / len(methods))
        axes.axhline(GOOD_MOS, color="grey", linestyle=":", linewidth=1)
        axes.set_ylim(*MOS_RANGE)
        axes.set_ylabel("PESQ MOS-LQO (P.862.1)")
        _finish(axes, codings, link)
    for number, method in enumerate(methods):
        panels[0].plot([], [], "o", color=f"C{number}", label=system_of(method))
    panels[0].plot([], [], "-", color="black", label="codec alone")
    figure.legend(loc="outside upper center", ncols=len(methods) + 1, frameon=False)
    return figure


def draw_bandwidth(rows: Sequence[CodecCalls]) -> Figure:
    """A panel per method: what a call takes at the named points, by codec, uncapped if there is."""
    first = _links(rows)[0]
    mine = [row for row in rows if row.link == first]
    methods = list(dict.fromkeys(row.point.method for row in mine))
    figure, panels = _panels(len(methods))
    for axes, method in zip(panels, methods, strict=True):
        own = [row for row in mine if row.point.method == method]
        for number, (column, _) in enumerate(BARS):
            places = np.arange(len(own)) + _offset(number, len(BARS))
            figures = [row.kbps[column] for row in own]
            axes.bar(
                places,
                [figure.estimate or 0.0 for figure in figures],
                GROUP / len(BARS),
                yerr=np.array([reach(figure) for figure in figures]).T,
                color=f"C{number}",
                capsize=2,
            )
        axes.set_ylabel("kbit/s")
        _finish(axes, [coding(row.point) for row in own], first)
        axes.set_title(system_of(method), fontsize="medium")
    for number, (_, text) in enumerate(BARS):
        panels[0].plot([], [], "s", color=f"C{number}", label=text)
    figure.legend(loc="outside upper center", ncols=len(BARS), frameon=False)
    return figure


def _draw_spread(axes: Axes, row: CodecCalls, place: float, color: str, width: float) -> None:
    counts = row.counts
    if row.percentiles is not None:
        axes.boxplot(
            [row.mos],
            positions=[place],
            widths=0.8 * width,
            whis=(0, 100),
            showfliers=False,
            manage_ticks=False,
            boxprops={"color": color},
            whiskerprops={"color": color},
            capprops={"color": color},
            medianprops={"color": color},
        )
        # Side by side in order of their score, so that none hides another; no chance in it.
        aside = np.linspace(-0.25, 0.25, len(row.mos)) * width if len(row.mos) > 1 else [0.0]
        axes.plot(place + np.asarray(aside), row.mos, "o", color=color, markersize=3, alpha=0.6)
    if row.ceiling_mos is not None:
        axes.hlines(row.ceiling_mos, place - width / 2, place + width / 2, colors="black")
    others = [f"{n}{letter}" for n, letter in ((counts.invalid, "i"), (counts.failed, "f")) if n]
    text = "\n".join([f"n={counts.valid}", *others])
    axes.annotate(text, (place, MOS_RANGE[0]), ha="center", va="bottom", fontsize=6)


def _links(rows: Sequence[CodecCalls]) -> list[str]:
    """The links, uncapped first, then from the widest."""
    rates = {row.link: row.point[RATE] for row in rows}
    return sorted(rates, key=lambda link: -(rates[link] or np.inf))


def _panels(number: int) -> tuple[Figure, list[Axes]]:
    figure = Figure(figsize=(WIDTH_IN, PANEL_IN * number + 0.4), layout="constrained")
    return figure, [axes for row in figure.subplots(number, 1, squeeze=False) for axes in row]


def _offset(number: int, of: int) -> float:
    return GROUP * ((number + 0.5) / of - 0.5)


def _finish(axes: Axes, codings: Sequence[str], link: str) -> None:
    axes.set_xticks(range(len(codings)), codings)
    axes.set_xlim(-0.5, len(codings) - 0.5)
    axes.grid(axis="y", alpha=0.3)
    axes.set_title(f"link: {link}", fontsize="medium")
