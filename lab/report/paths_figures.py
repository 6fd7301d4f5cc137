"""How late the latest of a call's packets are, by the way that calls went, as a share of calls."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure

from lab.measure.call.streams import IN_TIME_MS
from lab.report.paths import PathsCalls
from lab.report.systems import row_name

SIZE_IN = (7.2, 4.2)


def draw_delays(rows: Sequence[PathsCalls]) -> Figure:
    """A step per call, a line per row."""
    figure = Figure(figsize=SIZE_IN, layout="constrained")
    axes = figure.subplots()
    for number, row in enumerate(rows):
        if row.worst_p99_ms:
            axes.ecdf(
                row.worst_p99_ms,
                color=f"C{number % 10}",
                linestyle=("-", "--", ":", "-.")[number // 10 % 4],
                label=f"{row_name(row.point.method, row.others)}: {row.way}",
            )
    axes.axvline(IN_TIME_MS, color="0.6")
    axes.set_xlabel("99th percentile of one-way delay, the worse end (ms)")
    axes.set_ylabel("share of calls")
    axes.set_xlim(left=0)
    axes.grid(alpha=0.3)
    if any(row.worst_p99_ms for row in rows):
        axes.legend(fontsize="x-small")
    return figure
