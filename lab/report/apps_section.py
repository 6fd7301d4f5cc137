"""The calls of `lab.report.apps` as a table and sentences, beside the first study's apps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lab.measure.good_call import GOOD_MOS
from lab.report.agreement import RULE, Agreement, compare
from lab.report.apps import AppCalls
from lab.report.good_calls import per_cent, share_text
from lab.report.pages import Section, Table, counts_text, interval_text, joined
from lab.report.paper import POPULAR_APPS, STUDY, AppRow
from lab.report.systems import row_name

COLUMNS = (
    "calls by",
    "PESQ (95 % CI)",
    f"PESQ > {GOOD_MOS:g}, % (95 % CI)",
    "one-way delay, ms (95 % CI)",
    *(f"beside {app.name}" for app in POPULAR_APPS),
    "valid",
    "invalid",
    "failed",
)


def apps_section(rows: Sequence[AppCalls]) -> Section:
    """What the stand-in's calls were like, and the apps' figures under them."""
    ours = [
        (
            _system(row),
            interval_text(row.pesq_mos, 2),
            share_text(row.above_3),
            interval_text(row.delay_ms, 1),
            *(", ".join(_verdicts(row, app)) for app in POPULAR_APPS),
            *counts_text(row.counts),
        )
        for row in rows
    ]
    theirs = [
        (f"{app.name}, {app.how}: {STUDY}", app.pesq.text, app.above_3_pct.text, *["-"] * 6)
        for app in POPULAR_APPS
    ]
    return Section(
        "Popular apps through Tor, and their stand-in",
        (Table("As the callee heard it", COLUMNS, (*ours, *theirs), 1),),
        (
            *(_sentence(row) for row in rows if row.counts.valid),
            "The study had two apps call through the public Tor network, each by its own codec "
            "and its own servers. What stands for them here is WebRTC whose media are relayed by "
            "TURN over TCP, through this lab's Tor: a call alone on its links has no other users "
            "beside it and is to be expected above theirs.",
            RULE,
        ),
    )


def _system(row: AppCalls) -> str:
    return row_name(row.point.method, row.others)


def _verdicts(row: AppCalls, app: AppRow) -> Iterator[Agreement]:
    """On PESQ, and on the share above 3."""
    yield compare(app.pesq, row.pesq_mos)
    yield compare(app.above_3_pct, per_cent(row.above_3))


def _sentence(row: AppCalls) -> str:
    told = []
    for app in POPULAR_APPS:
        pesq, share = _verdicts(row, app)
        told.append(
            f"{app.name} ({app.pesq.text}, {app.above_3_pct.text} %) "
            + (f"{pesq} in both" if pesq == share else f"{pesq} in PESQ and {share} in the share")
        )
    return (
        f"{_system(row)}: PESQ {interval_text(row.pesq_mos, 2)}, {share_text(row.above_3)} % of "
        f"calls above {GOOD_MOS:g}, n = {row.counts.valid}; beside it {joined(told)}."
    )
