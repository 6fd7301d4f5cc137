"""The rows of `lab field` → the report about them, with the second study's figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from statistics import median

from lab.field.overview import Group, overview
from lab.field.row import CallRow
from lab.measure.good_call import GOOD_MOS
from lab.measure.statistics import Interval, count_calls
from lab.report.field_figures import draw, jitter_correlation, samples
from lab.report.field_why import why_data, why_sections
from lab.report.pages import Report, Section, Table, counts_text, interval_text


def build_field_report(rows: Sequence[CallRow], source: str) -> Report:
    """What the calls of a `lab field` table, named `source`, came to.

    Raises LabError where no call is valid.
    """
    groups = overview(rows)
    counts = count_calls(rows)
    correlation = jitter_correlation(samples(rows))
    section = Section(
        "Quality, jitter and delay of the recorded calls",
        (overview_table(groups),),
        (f"PESQ against mean jitter: {correlation}.", *arrival_notes(rows)),
        draw(rows),
    )
    return Report(
        title=f"{source}: calls recorded and captured at both ends",
        facts=(
            ("calls", str(counts.total)),
            ("locations", str(len({row.location for row in rows}))),
        ),
        sections=(section, *why_sections(rows)),
        remarks=(
            f"{counts.valid} valid, {counts.invalid} invalid and {counts.failed} failed calls. "
            "Only valid ones are drawn or averaged; both ends of a call are drawn, n is in calls.",
            "Intervals of means are bootstrap intervals over locations, those of shares Wilson's.",
        ),
        data={
            "table": source,
            "groups": [asdict(group) for group in groups],
            "jitter_against_pesq": correlation,
            **why_data(rows),
        },
    )


def arrival_notes(rows: Sequence[CallRow]) -> tuple[str, ...]:
    """How voice came together, with and without Tor: a sentence each."""
    notes = []
    for status in sorted({row.tor_status or "?" for row in rows if row.valid}):
        mine = [row for row in rows if row.valid and (row.tor_status or "?") == status]
        ends = [
            (share, mark)
            for row in mine
            for share, mark in (
                (row.caller_burst_share, row.caller_arrival),
                (row.callee_burst_share, row.callee_arrival),
            )
            if share is not None
        ]
        if not ends:
            continue
        marks = Counter(mark for _, mark in ends if mark)
        told = [f"{mark} at {count}" for mark, count in sorted(marks.items())]
        notes.append(
            f"{status}: {median(share for share, _ in ends):.1%} of packets came within 4 ms of "
            f"another (median of {len(ends)} call ends); "
            + (f"{', '.join(told)} of them." if told else "no marks of a cause in their arrivals.")
        )
    return tuple(notes)


def overview_table(groups: Sequence[Group]) -> Table:
    """Every group of calls in a line."""
    columns = (
        "",
        "codec",
        "valid",
        "invalid",
        "failed",
        "MOS (95 %)",
        f"> {GOOD_MOS:g} (95 %)",
        "delay ms (95 %)",
    )
    rows = tuple(
        (
            group.tor_status,
            group.codec,
            *counts_text(group.counts),
            interval_text(group.mos, 2),
            _share_text(group.good),
            interval_text(group.owd_ms, 0),
        )
        for group in groups
    )
    return Table("PESQ as MOS-LQO, mean of both ends", columns, rows, 2)


def _share_text(share: Interval) -> str:
    if share.estimate is None or share.low is None or share.high is None:
        return "-"
    return f"{share.estimate:.0%} ({share.low:.0%}-{share.high:.0%})"
