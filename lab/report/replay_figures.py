"""PESQ and delay of a call against the depth of a fixed playout buffer."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lab.ends import EACH_END
from lab.measure.good_call import GOOD_MOS
from lab.measure.playout.replay import PJSUA, Replay
from lab.report.pages import Drawing

WIDTH_IN, PANEL_IN = 6.4, 2.6
MOS_RANGE = (1.0, 4.6)


def draw_replays(name: str, replays: Sequence[Replay]) -> Drawing:
    """A column for each end: PESQ above, what was late or stalled and the delay below."""
    figure = Figure(figsize=(WIDTH_IN * max(1, len(replays)) * 0.75, 2.4 * PANEL_IN))
    figure.set_layout_engine("constrained")
    grid = figure.subplots(3, len(replays), sharex=True, squeeze=False)
    for column, one in enumerate(replays):
        quality, stalled, delay = grid[0][column], grid[1][column], grid[2][column]
        _draw(quality, one, "pesq_mos", "PESQ MOS-LQO")
        quality.axhline(GOOD_MOS, color="grey", linestyle=":", linewidth=1)
        quality.set_ylim(*MOS_RANGE)
        quality.set_title(_title(one), fontsize="medium")
        _draw(stalled, one, "stall_ms_total", "stalled, ms in all")
        stalled.set_ylim(bottom=0)
        _draw(delay, one, "delay_ms_p50", "delay, median (ms)")
        delay.set_ylim(bottom=0)
        delay.set_xlabel("depth of a fixed buffer (ms)")
        handles, labels = delay.get_legend_handles_labels()
        if len(labels) > 1:
            delay.legend(handles, labels, frameon=False, fontsize="small")
    return Drawing(
        name,
        "PESQ, stalls and delay against the depth of a fixed playout buffer; dashed: buffers that "
        f"follow what comes; dotted: {GOOD_MOS:g}, above which both studies call a call good.",
        figure,
    )


def _draw(axes: Axes, one: Replay, name: str, label: str) -> None:
    def value(outcome: object) -> float | None:
        if name == "stall_ms_total":
            return float(outcome.stalls.ms_total)  # type: ignore[attr-defined]
        found = getattr(outcome, name)
        return None if found is None else float(found)

    fixed = [(each.depth_ms, value(each)) for each in one.outcomes if each.depth_ms is not None]
    points = [(depth, height) for depth, height in fixed if height is not None]
    if points:
        depths, heights = zip(*points, strict=True)
        axes.plot(depths, heights, marker="o", markersize=4, label="fixed")
        axes.set_xscale("log")
        axes.set_xticks(depths, [str(depth) for depth in depths], fontsize="x-small")
        axes.minorticks_off()
    adaptive = [each for each in one.outcomes if each.depth_ms is None]
    for number, each in enumerate(adaptive, start=1):
        height = value(each)
        if height is not None:
            word = "pjsua's own" if each.playout == PJSUA else each.playout
            axes.axhline(height, color=f"C{number}", linestyle="--", linewidth=1, label=word)
    if not points and not axes.lines:
        axes.text(0.5, 0.5, "not known", ha="center", va="center", transform=axes.transAxes)
    axes.set_ylabel(label)
    axes.grid(alpha=0.3)


def _title(one: Replay) -> str:
    where = one.end if one.end in EACH_END else f"to {one.end}"
    found = []
    if one.good_ms is not None:
        found.append(f"good from {one.good_ms} ms")
    if one.best_ms is not None:
        found.append(f"best from {one.best_ms} ms")
    return f"{where}, {one.codec}" + (f": {', '.join(found)}" if found else "")
