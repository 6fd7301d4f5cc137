"""The calls of `lab.report.distance` as tables, sentences and figures, beside both studies."""

from __future__ import annotations

from collections.abc import Sequence

from lab.ends import BOTH
from lab.report.distance import Arrival, DistanceCalls
from lab.report.distance_figures import draw_delay, draw_jitter
from lab.report.pages import Drawing, Section, Table, counts_text, interval_text, joined, mean_text
from lab.report.paper import (
    BOTH_HIDDEN_DELAY_MS,
    SECOND_JITTER_MS,
    SECOND_STUDY,
    STUDY,
    TOR_DELAY_MS,
    TOR_JITTER_MS,
)
from lab.report.systems import row_name
from lab.sweep.dimensions.anonymous import ANONYMOUS

NAMES = ("system", "from - to", "server", "arriving at")


def distance_section(rows: Sequence[DistanceCalls]) -> Section:
    """Delay and jitter of every method between every pair of places, at both ends."""
    second = joined([f"{figure.text} ms at the {end}" for end, figure in SECOND_JITTER_MS.items()])
    ends = "solid: what arrived at the caller, dashed: at the callee"
    return Section(
        "Calls between places",
        (_delay_table(rows), _jitter_table(rows)),
        (
            *(_sentence(row) for row in rows if row.counts.valid),
            "Predicted is the jitter (RFC 3550) of packets that are sent every T and arrive in "
            "steady bursts of b, 2 T (b - 1) / b, from each call's mean burst; packets are of one "
            "burst that arrive within 4 ms of the one before.",
            "Steady bursts (much jitter, a small interquartile range) are what Nagle's algorithm "
            "makes of a round trip; packets late at random are what queues make; floods, behind "
            "gaps of 200 ms or more, are losses repaired by TCP. Where the evidence is thin "
            "nothing is said.",
            f"Through the public Tor network {STUDY} has means of {TOR_DELAY_MS.text} ms one way "
            f"and {TOR_JITTER_MS.text} ms of jitter; the median call of the sample of "
            f"{SECOND_STUDY} has a jitter of {second}. No figure of a study enters one of these.",
        ),
        (
            Drawing(
                "delay-between-places",
                "Share of valid calls whose median one-way delay is no longer, by method; "
                f"{ends}; grey: the means of {STUDY} through Tor.",
                draw_delay(rows),
            ),
            Drawing(
                "jitter-between-places",
                f"Share of valid calls whose mean jitter is no higher, by method; {ends}; grey: "
                f"{STUDY}, dotted: the medians of {SECOND_STUDY}, both through Tor.",
                draw_jitter(rows),
            ),
        ),
    )


def _delay_table(rows: Sequence[DistanceCalls]) -> Table:
    cells = [
        (
            *_names(row, arrival),
            interval_text(arrival.delay_ms_p50, 1),
            mean_text(arrival.delay_ms_p95, 1),
            _delay_there(row),
            *counts_text(row.counts),
        )
        for row in rows
        for arrival in row.arrivals
    ]
    columns = (
        *NAMES,
        "median (95 % CI)",
        "95 % of packets",
        STUDY,
        "valid",
        "invalid",
        "failed",
    )
    return Table("One-way delay, ms", columns, tuple(cells), len(NAMES))


def _delay_there(row: DistanceCalls) -> str:
    if not row.over_tor:
        return "-"
    return (BOTH_HIDDEN_DELAY_MS if row.point[ANONYMOUS] == BOTH else TOR_DELAY_MS).text


def _jitter_table(rows: Sequence[DistanceCalls]) -> Table:
    cells = [
        (
            *_names(row, arrival),
            interval_text(arrival.burst_mean, 2),
            interval_text(arrival.burst_jitter_ms, 1),
            interval_text(arrival.jitter_ms, 1),
            TOR_JITTER_MS.text if row.over_tor else "-",
            SECOND_JITTER_MS[arrival.end].text if row.over_tor else "-",
            str(row.counts.valid),
        )
        for row in rows
        for arrival in row.arrivals
    ]
    columns = (
        *NAMES,
        "packets per burst (95 % CI)",
        "predicted (95 % CI)",
        "observed (95 % CI)",
        STUDY,
        SECOND_STUDY,
        "n",
    )
    return Table("Jitter, mean of each call, ms", columns, tuple(cells), len(NAMES))


def _names(row: DistanceCalls, arrival: Arrival) -> tuple[str, ...]:
    system = row_name(row.point.method, row.others)
    return system, row.pair, row.server_place or "-", arrival.end


def _sentence(row: DistanceCalls) -> str:
    told = [
        f"at the {arrival.end} {mean_text(arrival.delay_ms_p50, 0)} ms one way and "
        f"{mean_text(arrival.jitter_ms, 1)} ms of jitter{_predicted(arrival)}"
        f"{_marks(arrival, row.counts.valid)}"
        for arrival in row.arrivals
    ]
    system = row_name(row.point.method, row.others)
    return f"{system}, {row.pair}: {joined(told)}, n = {row.counts.valid}."


def _marks(arrival: Arrival, calls: int) -> str:
    told = [f"{mark} in {count} of {calls}" for mark, count in arrival.marks]
    return f" ({joined(told)})" if told else ""


def _predicted(arrival: Arrival) -> str:
    if arrival.burst_jitter_ms.estimate is None:
        return ""
    return f" (predicted {mean_text(arrival.burst_jitter_ms, 1)})"
