"""The calls of `lab.report.paths` as tables, sentences and a figure."""

from __future__ import annotations

from collections.abc import Sequence

from lab.ends import CALLEE, CALLER
from lab.measure.call.streams import IN_TIME_MS
from lab.report.good_calls import share_text
from lab.report.pages import Drawing, Section, Table, counts_text, interval_text, joined, mean_text
from lab.report.paths import IN_TIME_PCT, PathsCalls
from lab.report.paths_figures import draw_delays
from lab.report.systems import row_name

NAMES = ("system", "way")
DONAR_PCT = 86
"""Of its calls those that were in time, of 5 and of 90 minutes, over onion services in the public
network: the study's own figure, in its abstract."""
RULE = (
    f"In time is a call of which {IN_TIME_PCT:g} % of the packets that were sent came in less than "
    f"{IN_TIME_MS:g} ms, at both ends: what DONAR (NSDI 2022) asks of a call. It found {DONAR_PCT} "
    "% of its own so, over onion services of the public network, between two ends that both Tor "
    "hides."
)


def paths_section(rows: Sequence[PathsCalls]) -> Section:
    """One circuit, Tor's own two, and several with each policy, side by side."""
    return Section(
        "Over several circuits",
        (_delay_table(rows), _quality_table(rows)),
        (
            *(_sentence(row) for row in rows if row.counts.valid),
            RULE,
            "Policies are what their authors published: duplicate TorFone's, alternate and "
            "fast-slow DONAR's. All but the paths is as in the call over one circuit, and the "
            "first path is the circuit that this call has with the same seed.",
        ),
        (
            Drawing(
                "paths-delay",
                "Share of valid calls of which 99 % of the packets that came had come after so "
                f"long, at the worse end; grey: {IN_TIME_MS:g} ms.",
                draw_delays(rows),
            ),
        ),
    )


def _delay_table(rows: Sequence[PathsCalls]) -> Table:
    cells = [
        (
            *_names(row),
            interval_text(row.delay_ms[CALLER], 1),
            interval_text(row.delay_ms[CALLEE], 1),
            interval_text(row.delay_p99_ms[CALLER], 1),
            interval_text(row.delay_p99_ms[CALLEE], 1),
            share_text(row.in_time),
            *counts_text(row.counts),
        )
        for row in rows
    ]
    columns = (
        *NAMES,
        "median at the caller (95 % CI)",
        "at the callee",
        "99th percentile at the caller",
        "at the callee",
        "in time, % (95 % CI)",
        *("valid", "invalid", "failed"),
    )
    return Table("One-way delay, ms", columns, tuple(cells), len(NAMES))


def _quality_table(rows: Sequence[PathsCalls]) -> Table:
    cells = [
        (
            *_names(row),
            interval_text(row.pesq_mos[CALLER], 2),
            interval_text(row.pesq_mos[CALLEE], 2),
            interval_text(row.stall_ms, 0),
            interval_text(row.access_kbps, 1),
            interval_text(row.exit_kbps, 1),
            interval_text(row.repaired_pct, 2),
            str(row.ended),
            str(row.counts.valid),
        )
        for row in rows
    ]
    columns = (
        *NAMES,
        "PESQ at the caller (95 % CI)",
        "at the callee",
        "stalled, ms",
        "kbit/s at access",
        "at the exits",
        "came as a repetition, %",
        "with a path lost",
        "n",
    )
    title = "What was heard, and what it cost: both ways together, at Ethernet level"
    return Table(title, columns, tuple(cells), len(NAMES))


def _names(row: PathsCalls) -> tuple[str, str]:
    return row_name(row.point.method, row.others), row.way


def _sentence(row: PathsCalls) -> str:
    system, way = _names(row)
    figures = [
        f"{share_text(row.in_time)} % of the calls in time",
        f"99 % of the packets within {mean_text(row.delay_p99_ms[CALLER], 0)} ms at the caller and "
        f"{mean_text(row.delay_p99_ms[CALLEE], 0)} ms at the callee",
        f"{mean_text(row.access_kbps, 0)} kbit/s at access",
    ]
    return f"{system}, {way}: {joined(figures)}, n = {row.counts.valid}."
