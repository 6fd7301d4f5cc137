"""The calls of `lab.report.anonymity` as a table and sentences, beside the paper's scenarios."""

from __future__ import annotations

from collections.abc import Sequence

from lab.measure.statistics import Interval
from lab.report.agreement import compare
from lab.report.anonymity import AnonymityCalls
from lab.report.good_calls import share_text
from lab.report.pages import Section, Table, counts_text, interval_text, mean_text
from lab.report.paper import STUDY, Figure, Scenario, scenario
from lab.report.systems import row_name

NAMES = ("system", "anonymous", "hops", "heard by")


def anonymity_section(rows: Sequence[AnonymityCalls]) -> Section:
    """PESQ, delay and jitter at both ends, by who is anonymous."""
    return Section(
        "Both ends anonymous",
        (_table(rows),),
        (
            *(_sentence(row) for row in rows if row.hides_both and row.counts.valid),
            "There, scenario II is the caller alone and III both ends, each with a server apart. "
            "The public Tor network carried other traffic as well; here nothing else is on the "
            "links, and distances are those of the topology. No figure of a study enters one of "
            "these.",
        ),
    )


def _table(rows: Sequence[AnonymityCalls]) -> Table:
    cells = [
        (
            row_name(row.point.method, row.others),
            row.anonymous,
            "-" if row.hops is None else str(row.hops),
            heard.end,
            interval_text(heard.mos, 2),
            _there(_scenario_of(row), "pesq"),
            share_text(heard.above_3),
            _there(_scenario_of(row), "above_3_pct"),
            interval_text(heard.delay_ms_p50, 0),
            _there(_scenario_of(row), "delay_ms"),
            mean_text(heard.jitter_ms, 1),
            *counts_text(row.counts),
        )
        for row in rows
        for heard in row.heard
    ]
    columns = (
        *NAMES,
        "PESQ (95 % CI)",
        "there",
        "% above 3 (95 % CI)",
        "there",
        "delay ms (95 % CI)",
        "there",
        "jitter ms",
        "valid",
        "invalid",
        "failed",
    )
    title = f"PESQ (MOS-LQO), median one-way delay and mean jitter of each call; there: {STUDY}"
    return Table(title, columns, tuple(cells), len(NAMES))


def _scenario_of(row: AnonymityCalls) -> Scenario | None:
    if row.hops is None:
        return None
    return scenario(row.point.method, row.hides_both, row.hops)


def _there(paper: Scenario | None, name: str) -> str:
    figure: Figure | None = getattr(paper, name) if paper else None
    return figure.text if figure else "-"


def _sentence(row: AnonymityCalls) -> str:
    """What the callee heard, with what the paper has of it, and how far apart the circuits were."""
    heard = row.heard[1]
    system = row_name(row.point.method, row.others)
    told = [f"PESQ {interval_text(heard.mos, 2)}{_beside(row, heard.mos, 'pesq')}"]
    delay = heard.delay_ms_p50
    told.append(f"{interval_text(delay, 0)} ms one way{_beside(row, delay, 'delay_ms')}")
    common = row.relays_in_both
    apart = "share no relay" if common == 0 else f"share {common:.1f} relays on average"
    return (
        f"{system}, both ends over {row.hops} hops: at the callee {' and '.join(told)}, "
        f"n = {row.counts.valid}; the two circuits of a call {apart}."
    )


def _beside(row: AnonymityCalls, ours: Interval, name: str) -> str:
    paper = _scenario_of(row)
    figure: Figure | None = getattr(paper, name) if paper else None
    return f" ({figure.text} there: {compare(figure, ours)})" if figure else ""
