"""The calls of `lab.report.nagle` as tables: every place of the switch, and what it buys."""

from __future__ import annotations

from collections.abc import Sequence

from lab.report.nagle import MEASURED, POINTS, WAITED, Heard, Switched
from lab.report.nagle_figures import draw_places
from lab.report.pages import (
    Drawing,
    Section,
    Table,
    counts_text,
    interval_text,
    mean_text,
    signed_text,
)
from lab.report.systems import row_name
from lab.wire.nodelay import Place

NAMES = ("system", "TCP_NODELAY at", "arriving at")
DIGITS = {
    "owd_ms_p50": 1,
    WAITED: 1,
    "jitter_mean": 1,
    "burst_mean": 2,
    "burst_gap_ms_p50": 1,
    "pesq_mos": 2,
}


def nagle_section(rows: Sequence[Switched]) -> Section:
    """What arrives with the switch at each place, what that differs from Tor as it is, and cost."""
    return Section(
        "Nagle's algorithm, switched off by place",
        (_arrivals(rows), _differences(rows), _bandwidth(rows)),
        (
            *(sentence for row in rows if (sentence := _sentence(row))),
            "Places: client, the clients' Tor; exit, each relay on the connections that it opens "
            "as an exit; relays, each relay on all; all, every Tor. Where it was set was read back "
            "from the processes of each call.",
            "Predicted is the largest of the bursts that the sockets on the way without "
            "TCP_NODELAY make, each of min(round trip / packet length, one segment): "
            "1448 bytes, of cells of 543 between relays, of the stream's own packets from the exit "
            "to the server; from each call's own distances. Its jitter is 2 T (b - 1) / b.",
            "Calls have different circuits; beyond the legs is what is left of a call's median "
            "delay without its own circuit's legs, and what a place buys in delay is told by that.",
            "A difference is to the same calls with Tor as it is, with the bootstrap interval of "
            "two independent means.",
        ),
        (
            Drawing(
                "nodelay-by-place",
                "One-way delay and jitter by the place of the switch, means with their 95 % "
                "intervals; left: arriving at the caller, right: at the callee; crosses: predicted "
                "jitter.",
                draw_places(rows),
            ),
        ),
    )


def _names(row: Switched) -> tuple[str, str]:
    return row_name(row.point.method, row.others), row.place


def _arrivals(rows: Sequence[Switched]) -> Table:
    cells = [
        (
            *_names(row),
            heard.end,
            *_measured(heard, "owd_ms_p50", WAITED, "burst_mean"),
            interval_text(heard.burst_predicted, 2),
            *_measured(heard, "burst_gap_ms_p50", "jitter_mean"),
            interval_text(heard.jitter_predicted, 1),
            *_measured(heard, "pesq_mos"),
            *counts_text(row.counts),
        )
        for row in rows
        for heard in row.heard
    ]
    columns = (
        *NAMES,
        *(MEASURED[name] for name in ("owd_ms_p50", WAITED, "burst_mean")),
        "predicted",
        *(MEASURED[name] for name in ("burst_gap_ms_p50", "jitter_mean")),
        "predicted",
        MEASURED["pesq_mos"],
        *("valid", "invalid", "failed"),
    )
    return Table("What arrives (means of calls, 95 % CI)", columns, tuple(cells), len(NAMES))


def _measured(heard: Heard, *names: str) -> list[str]:
    return [interval_text(heard.measured[name], DIGITS[name]) for name in names]


def _differences(rows: Sequence[Switched]) -> Table:
    cells = [
        (
            *_names(row),
            heard.end,
            *(signed_text(heard.against_none[name], DIGITS[name]) for name in MEASURED),
            str(row.counts.valid),
        )
        for row in rows
        for heard in row.heard
        if heard.against_none
    ]
    title = "What each place buys by itself: difference to Tor as it is (95 % CI)"
    return Table(title, (*NAMES, *MEASURED.values(), "n"), tuple(cells), len(NAMES))


def _bandwidth(rows: Sequence[Switched]) -> Table:
    cells = []
    for row in rows:
        figures = []
        for name in POINTS:
            figures.append(interval_text(row.kbps[name], 1))
            against = row.kbps_against_none.get(name)
            figures.append(signed_text(against, 1) if against else "-")
        cells.append((*_names(row), *figures, str(row.counts.valid)))
    columns = [text for where in POINTS.values() for text in (where, "against none")]
    title = "Bandwidth, kbit/s, mean of both directions (95 % CI)"
    return Table(title, (*NAMES[:2], *columns, "n"), tuple(cells), 2)


def _sentence(row: Switched) -> str:
    """What a place buys, for people; nothing of Tor as it is, which is in the table."""
    if row.place == Place.NONE or not all(heard.against_none for heard in row.heard):
        return ""
    system, place = _names(row)
    told = [
        f"at the {heard.end} {signed_text(heard.against_none[WAITED], 0)} ms of delay and "
        f"{signed_text(heard.against_none['jitter_mean'], 1)} ms of jitter "
        f"({mean_text(heard.measured['jitter_mean'], 1)} remain, predicted "
        f"{mean_text(heard.jitter_predicted, 1)})"
        for heard in row.heard
    ]
    return f"{system}, set at {place}: {' and '.join(told)}, n = {row.counts.valid}."
