"""The options that state what a run is to measure, `--expect`, and where to tell it, `--junit`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lab.cli.output import err, out
from lab.errors import LabError

if TYPE_CHECKING:
    from lab.expectations.notation import Expectation
    from lab.expectations.outcome import Outcome
    from lab.measure.record import CallRecord
    from lab.store.database import Run, Store
    from lab.sweep.point import Point


@dataclass(frozen=True, slots=True)
class Stated:
    """What the options say, checked against the points that the run has."""

    expectations: tuple[Expectation, ...]
    points: tuple[Point, ...]
    junit: Path | None


def expectation_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """A decorator; the command takes `expect`, texts, and `junit`, a path or None."""
    expect = click.option(
        "--expect",
        multiple=True,
        metavar="BOUND",
        help="Exit with status 1 unless this is met, such as 'pesq>=4.2 at load=0'; may be given "
        "again (docs/ci.md).",
    )
    junit = click.option(
        "--junit",
        metavar="FILE",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Write JUnit XML: a test case for each --expect, and one for each point.",
    )
    return expect(junit(command))


def stated(expect: Sequence[str], junit: Path | None, points: Sequence[Point]) -> Stated:
    """What is asked of a run with these points; UsageError for what can be met by none of them."""
    if not expect:
        return Stated((), tuple(points), junit)
    from lab.expectations.notation import parse_expectation
    from lab.expectations.points import points_meant

    expectations = tuple(parse_expectation(text) for text in expect)
    for expectation in expectations:
        points_meant(expectation, points)
    return Stated(expectations, tuple(points), junit)


def stated_of_run(expect: Sequence[str], junit: Path | None, run: Run) -> Stated:
    """The same of a run that is there."""
    from lab.sweep.plan import plan_from_json

    return stated(expect, junit, plan_from_json(run.plan).points)


@dataclass(frozen=True, slots=True)
class Judged:
    """A run beside what was stated of it."""

    run: Run
    calls: Sequence[CallRecord]
    stated: Stated
    outcomes: tuple[Outcome, ...]

    def conclude(self) -> None:
        """Write JUnit XML, if it is asked for; LabError where an expectation is not met."""
        path = self.stated.junit
        if path is not None:
            from lab.expectations.junit import junit_xml
            from lab.report.files import write_text

            write_text(junit_xml(self.run, self.stated.points, self.calls, self.outcomes), path)
            err.print(f"Wrote {path}", soft_wrap=True)
        if unmet := [each.expectation.text for each in self.outcomes if not each.met]:
            raise LabError(f"not met: {'; '.join(unmet)}")


def judged(asked: Stated, run: Run, calls: Sequence[CallRecord]) -> Judged:
    """Set the calls of a run beside what was stated of it."""
    if not asked.expectations:
        return Judged(run, calls, asked, ())
    from lab.expectations.outcome import outcomes

    return Judged(run, calls, asked, outcomes(asked.expectations, asked.points, calls))


def tell_outcome(store: Store, run_id: str, asked: Stated) -> None:
    """Print what became of a run's expectations, and conclude; nothing where nothing is asked."""
    if not asked.expectations and asked.junit is None:
        return
    found = judged(asked, store.run(run_id), store.calls(run_id))
    if found.outcomes:
        from lab.expectations.section import expectations_section
        from lab.report.pages import Report, print_report

        title = f"{found.run.experiment}: run {run_id}"
        print_report(Report(title, (), (expectations_section(found.outcomes),)), out)
    found.conclude()
