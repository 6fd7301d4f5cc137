"""PESQ and delay of calls as out there as distributions; what circuits offered; their relays."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lab.ends import BOTH, CALLEE
from lab.measure.good_call import GOOD_DELAY_MS, GOOD_MOS
from lab.report.available import ENOUGH_KBPS, Available
from lab.report.bridges import BY_RELAYS
from lab.report.pages import reach
from lab.report.paper import Figure as PaperFigure
from lab.report.relays import POSITIONS, Relays
from lab.report.scenarios import ALL, HeardBy, ScenarioCalls
from lab.report.systems import row_name, system_of

SIZE_IN = (7.2, 4.6)
MARKERS = "os^Dv<>P"
MOS_LIMITS = (0.95, 4.65)


def draw_scores(rows: Sequence[ScenarioCalls]) -> Figure:
    """The share of calls below a PESQ at the callee, a line per row."""
    figure, axes = _distributions(rows, lambda heard: heard.mos, lambda row: _study(row, "pesq"))
    axes.axvline(GOOD_MOS, color="grey", linewidth=1)
    axes.set_xlim(*MOS_LIMITS)
    axes.set_xlabel("PESQ MOS-LQO (P.862.1) at the callee")
    return figure


def draw_delays(rows: Sequence[ScenarioCalls]) -> Figure:
    """The share of calls below a one-way delay."""
    figure, axes = _distributions(
        rows, lambda heard: heard.delays_ms, lambda row: _study(row, "delay_ms")
    )
    axes.axvline(GOOD_DELAY_MS, color="grey", linewidth=1)
    axes.set_xlim(left=0)
    axes.set_xlabel("one-way delay at the callee, median of the call (ms)")
    return figure


def _study(row: ScenarioCalls, name: str) -> PaperFigure | None:
    figure: PaperFigure | None = getattr(row.study, name) if row.study else None
    return figure


def _distributions(
    rows: Sequence[ScenarioCalls],
    values: Callable[[HeardBy], Sequence[float]],
    study: Callable[[ScenarioCalls], PaperFigure | None],
) -> tuple[Figure, Axes]:
    figure = Figure(figsize=SIZE_IN, layout="constrained")
    axes = figure.subplots()
    shown = [row for row in rows if row.method != ALL]
    for number, row in enumerate(shown):
        color, style = f"C{number % 10}", "-" if row.over_tor else "--"
        heard = next(each for each in row.heard if each.end == CALLEE)
        found = values(heard)
        label = f"{_label(row)} (n = {len(found)})"
        axes.plot([], [], style, color=color, label=label)
        if found:
            shares = np.arange(len(found) + 1) / len(found)
            axes.step([found[0], *found], shares, style, where="post", color=color)
        if (there := study(row)) is not None:
            axes.axvline(there.value, color=color, linestyle=":", linewidth=1.5)
    axes.set_ylim(0, 1)
    axes.set_ylabel("share of calls")
    axes.grid(alpha=0.3)
    figure.legend(loc="outside upper center", ncols=2, frameon=False, fontsize="small")
    return figure, axes


def _label(row: ScenarioCalls) -> str:
    """What tells a line from the others; the server's place is that of the whole scenario."""
    words = [f"{row.hops} hops" if row.hops else "", entry_in_words(row)]
    words.append("both ends" if row.anonymous == BOTH else "")
    return row_name(row.method, ", ".join(filter(None, [*words, row.others])))


def entry_in_words(row: ScenarioCalls) -> str:
    """By what these calls entered Tor; nothing where no call of the run had a bridge."""
    if row.entry is None or not row.over_tor:
        return ""
    return row.entry if row.entry == BY_RELAYS else f"by {row.entry}"


def draw_available(found: Available) -> Figure:
    """PESQ at the callee against what the call's circuit offered, a point per call."""
    figure = Figure(figsize=SIZE_IN, layout="constrained")
    axes = figure.subplots()
    methods = list(dict.fromkeys(call.method for call in found.calls))
    for number, method in enumerate(methods):
        calls = [call for call in found.calls if call.method == method and call.mos is not None]
        axes.plot(
            [call.kbps / 1000 for call in calls],
            [call.mos or 0.0 for call in calls],
            MARKERS[number % len(MARKERS)],
            color=f"C{number}",
            alpha=0.7,
            markersize=5,
            label=f"{system_of(method)} (n = {len(calls)})",
        )
    axes.axvline(ENOUGH_KBPS / 1000, color="grey", linewidth=1)
    axes.axhline(GOOD_MOS, color="grey", linestyle=":", linewidth=1)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.set_ylim(*MOS_LIMITS)
    axes.set_xlabel("available on the circuit after the call (Mbit/s)")
    axes.set_ylabel("PESQ MOS-LQO (P.862.1) at the callee")
    axes.grid(alpha=0.3)
    figure.legend(loc="outside upper center", ncols=max(1, len(methods)), frameon=False)
    return figure


def draw_relays(found: Relays) -> Figure:
    """A panel per position: each relay's mean PESQ with its interval; most used on top."""
    names = list(found.uses)
    figure = Figure(figsize=(SIZE_IN[0] + 1.2, 0.32 * len(names) + 1.4), layout="constrained")
    panels = figure.subplots(1, len(POSITIONS), sharex=True, sharey=True)
    for axes, position in zip(panels, POSITIONS, strict=True):
        for row in found.rows:
            if row.position != position or row.mos.estimate is None:
                continue
            at, (below, above) = names.index(row.relay), reach(row.mos)
            axes.errorbar(
                row.mos.estimate,
                at,
                xerr=[[below], [above]],
                fmt="o",
                color="C0",
                capsize=3,
                markersize=4,
            )
            axes.text(1.02, at, f"n = {row.mos.n}", va="center", fontsize="x-small", color="grey")
        axes.axvline(GOOD_MOS, color="grey", linestyle=":", linewidth=1)
        axes.set_xlim(*MOS_LIMITS)
        axes.set_title(position, fontsize="medium")
        axes.grid(axis="x", alpha=0.3)
    panels[0].set_yticks(range(len(names)), [f"{name} ({found.uses[name]})" for name in names])
    panels[0].set_ylim(len(names) - 0.5, -0.5)
    panels[1].set_xlabel("PESQ MOS-LQO at the callee, mean and 95 % interval")
    return figure
