"""The calls of `lab.report.onion` as a table and sentences, beside the prior work with six hops."""

from __future__ import annotations

from collections.abc import Sequence

from lab.ends import EACH_END
from lab.measure.good_call import GOOD_DELAY_MS, GOOD_MOS
from lab.report.onion import OVER_A_CIRCUIT, OnionCalls
from lab.report.pages import Section, Table, counts_text, interval_text, joined, mean_text
from lab.report.paper import SIX_HOPS_DELAY_MS, SIX_HOPS_PESQ, SIX_HOPS_SYSTEM, STUDY
from lab.report.systems import row_name, system_of

NAMES = ("system", "hops", "arriving at")
COLUMNS = (
    "one-way delay, ms (95 % CI)",
    "added, ms",
    "PESQ (95 % CI)",
    "good (95 % CI)",
    "valid",
    "invalid",
    "failed",
)


def onion_section(rows: Sequence[OnionCalls]) -> Section:
    """What the way to an onion service costs, at both ends."""
    cells = [
        (
            _system(row),
            "/".join(map(str, row.hops)) or "-",
            end,
            interval_text(row.delay_ms[end], 1),
            _signed(row.added_ms[end]),
            interval_text(row.pesq_mos[end], 2),
            interval_text(row.good, 2),
            *counts_text(row.counts),
        )
        for row in rows
        for end in EACH_END
    ]
    figures = (SIX_HOPS_DELAY_MS.text, "-", SIX_HOPS_PESQ.text)
    study = (f"{SIX_HOPS_SYSTEM}, cited by {STUDY}", "6", "-", *figures, *["-"] * 4)
    table = Table("Over onion services", (*NAMES, *COLUMNS), (*cells, study), len(NAMES))
    return Section(
        "Onion services: six hops",
        (table,),
        (
            *(
                _sentence(row)
                for row in rows
                if row.counts.valid and row.point.method in OVER_A_CIRCUIT
            ),
            f"Good is a call with PESQ > {GOOD_MOS:g} and a one-way delay < {GOOD_DELAY_MS:g} ms "
            "at both ends. Added is to the mean of the same call over a circuit of the caller's "
            "to the same server. Which relays either side takes to an onion service is its tor's "
            "own choice, so no two of these calls need have the same ones.",
        ),
    )


def _system(row: OnionCalls) -> str:
    return row_name(row.point.method, row.others)


def _signed(value: float | None) -> str:
    return "-" if value is None else f"{value:+.1f}"


def _sentence(row: OnionCalls) -> str:
    told = [
        f"at the {end} PESQ {mean_text(row.pesq_mos[end], 2)} and "
        f"{mean_text(row.delay_ms[end], 0)} ms one way" + _added(row, end)
        for end in EACH_END
    ]
    hops = "/".join(map(str, row.hops)) or "unknown"
    return (
        f"{_system(row)}, {hops} hops: {joined(told)}, n = {row.counts.valid}; "
        f"{SIX_HOPS_SYSTEM} had {SIX_HOPS_PESQ.text} and {SIX_HOPS_DELAY_MS.text} ms with six."
    )


def _added(row: OnionCalls, end: str) -> str:
    added = row.added_ms[end]
    if added is None:
        return ""
    usual = system_of(OVER_A_CIRCUIT[row.point.method])
    return f" ({_signed(added)} ms to {usual})"
