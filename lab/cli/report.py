"""`lab report`: what a run found, beside the paper's tables; what `lab field` found, as figures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lab import storage
from lab.cli.expectation_options import Judged, expectation_options, judged, stated_of_run
from lab.cli.output import err, out, print_json
from lab.errors import LabError, UsageError

if TYPE_CHECKING:
    from lab.report.pages import Report


@click.command("report")
@click.argument("run_id", metavar="RUN|BUNDLE|CALLS.csv", default="last")
@click.option(
    "--html",
    is_flag=True,
    help="Also write one self-contained HTML file, figures, and a CITATION.cff.",
)
@click.option(
    "--out",
    "directory",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where to write; default: the run's directory, BUNDLE-report beside the bundle, or "
    "CALLS-figures beside the CSV.",
)
@expectation_options
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def command(
    run_id: str,
    html: bool,
    directory: Path | None,
    expect: tuple[str, ...],
    junit: Path | None,
    as_json: bool,
) -> None:
    """Print the tables of RUN (default: the last one) beside the paper's, and say what agrees.

    RUN may be the file of a bundle: the report is that of the run in it.

    Of the CSV that `lab field` wrote the second study's figures are drawn: PESQ, per codec and
    per location, jitter, delay, and jitter against PESQ.
    """
    from lab.field.reading import read_table
    from lab.report.field_report import build_field_report
    from lab.report.files import write_citation, write_drawings, write_page
    from lab.report.pages import print_report

    table = Path(run_id) if Path(run_id).suffix.lower() == ".csv" else None
    citation: str | None = None
    found: Judged | None = None
    if table and (expect or junit):
        raise UsageError("--expect and --junit are for runs, not for the calls of the field")
    if table:
        report = build_field_report(read_table(table), table.name)
        directory = directory or table.with_name(f"{table.stem}-figures")
    else:
        report, found, directory_of_run, citation = _report_on_run(
            run_id, expect, junit, cited=html
        )
        directory = directory or directory_of_run
    if as_json:
        print_json(report.data)
    else:
        print_report(report, out)
    written = [write_page(report, directory)] if html else []
    if citation:
        written.append(write_citation(citation, directory))
    if html or table:
        drawings = [drawing for section in report.sections for drawing in section.drawings]
        written += write_drawings(drawings, directory)
    for path in written:
        err.print(f"Wrote {path}", soft_wrap=True)
    if found:
        found.conclude()


def _report_on_run(
    word: str, expect: Sequence[str], junit: Path | None, cited: bool
) -> tuple[Report, Judged, Path, str | None]:
    """The report, its run, where it is written and, if it is to be cited, its CITATION.cff."""
    from lab.bundles.results import bare_name, results_of
    from lab.report.build import build_report
    from lab.report.citation import citation_file, with_citation

    with results_of(word) as results:
        run = results.store.run(results.run_id)
        calls = results.store.calls(run.run_id)
    if not calls:
        raise LabError(
            f"run {run.run_id} has no calls yet", f"`lab experiment resume {run.run_id}`."
        )
    directory = storage.run_directory(run.run_id)
    if results.bundle:
        directory = results.bundle.with_name(f"{bare_name(results.bundle)}-report")
    found = judged(stated_of_run(expect, junit, run), run, calls)
    report = build_report(run, calls)
    if found.outcomes:
        from lab.expectations.section import with_expectations

        report = with_expectations(report, found.outcomes)
    if not cited:
        return report, found, directory, None
    return with_citation(report, run, calls), found, directory, citation_file(run, calls)
