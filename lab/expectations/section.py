"""Expectations as a part of a report: a table of what was measured, and a sentence on each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from lab.expectations.outcome import RULE, AtPoint, Outcome
from lab.report.pages import Report, Section, Table, counts_text, joined

_COLUMNS = (
    "expected",
    "at",
    "measured (95 % CI)",
    "n",
    "valid",
    "invalid",
    "failed",
    "",
)


def expectations_section(found: Sequence[Outcome]) -> Section:
    """All that was expected of a run."""
    rows = [_row(outcome, each) for outcome in found for each in outcome.at]
    table = Table("What was expected, and what was measured", _COLUMNS, tuple(rows), 2)
    return Section("Expectations", (table,), (*_findings(found), RULE))


def with_expectations(report: Report, found: Sequence[Outcome]) -> Report:
    """The report with them before all else."""
    return replace(
        report,
        sections=(expectations_section(found), *report.sections),
        data={**report.data, "expectations": [outcome.to_dict() for outcome in found]},
    )


def _row(outcome: Outcome, each: AtPoint) -> tuple[str, ...]:
    return (
        outcome.expectation.text,
        each.point_id,
        each.figure,
        str(each.measured.n),
        *counts_text(each.counts),
        "met" if each.met else "not met",
    )


def _findings(found: Iterable[Outcome]) -> Iterator[str]:
    for outcome in found:
        sentence = f"{outcome.expectation.text}: {outcome.words}"
        if failing := [each.point_id for each in outcome.failing]:
            sentence += f": {joined(failing)}"
        if close := [each.point_id for each in outcome.at if each.is_close]:
            sentence += f". The interval reaches across the bound at {joined(close)}"
        yield f"{sentence}."
