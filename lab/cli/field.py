"""`lab field`: the analysis of the second study over a tree laid out like its artifact."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lab.cli.counting import counting, jobs_option
from lab.cli.output import err, out, print_json
from lab.errors import LabError

if TYPE_CHECKING:
    from lab.field.row import CallRow


@click.command("field")
@click.argument(
    "directory", type=click.Path(exists=True, file_okay=False, path_type=Path), metavar="DIRECTORY"
)
@click.option(
    "--reference",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The clip that was played in the calls.",
)
@click.option(
    "--out",
    "table",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to write one row per call, as CSV.",
)
@jobs_option("Calls to analyse at once.")
@click.option(
    "--figures",
    type=click.Path(file_okay=False, path_type=Path),
    help="Draw the study's figures into this directory.",
)
@click.option(
    "--channel",
    type=click.IntRange(min=1),
    help="Of recordings with several: the one that was received, from 1. Default: find out.",
)
@click.option(
    "--authors",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The study's own table: set its PESQ beside, and what its program made of the same files.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
def command(
    *,
    directory: Path,
    reference: Path,
    table: Path,
    jobs: int,
    figures: Path | None,
    channel: int | None,
    authors: Path | None,
    as_json: bool,
) -> None:
    """Analyse calls recorded and captured at both ends, one row per call.

    Looks for DIRECTORY/.../{caller,callee}/.../*_N.wav and *_N.pcap. An interrupted run goes
    on where it stopped when it is started again with the same --out. `lab report` draws the
    figures again from the CSV.
    """
    from lab.field.overview import overview
    from lab.field.run import analyse_tree
    from lab.report.field_figures import draw
    from lab.report.field_report import overview_table
    from lab.report.field_why import why_data, why_sections
    from lab.report.files import write_drawings
    from lab.report.pages import rich_table

    if not table.resolve().parent.is_dir():
        raise LabError(f"{table.parent} is no directory to write {table.name} to.")
    with counting("Analysing calls") as progress:
        rows = analyse_tree(directory, reference, table, jobs, progress, channel, authors)
    _remark_on_reference(rows, reference)
    groups = overview(rows)
    if figures is not None:
        for path in write_drawings(draw(rows), figures):
            err.print(f"Drew {path}", soft_wrap=True)
    if as_json:
        found = {"groups": [asdict(group) for group in groups], **why_data(rows)}
        print_json({"table": str(table), **found})
        return
    out.print(rich_table(overview_table(groups)))
    for section in why_sections(rows):
        for each in section.tables:
            out.print(rich_table(each))
        for finding in section.findings:
            out.print(finding, soft_wrap=True)
    out.print(f"{len(rows)} calls in {table}", soft_wrap=True)


def _remark_on_reference(rows: list[CallRow], reference: Path) -> None:
    """Where hardly any recording holds the reference, the reference is the mistake."""
    shares = [
        share
        for row in rows
        for share in (row.caller_found_share, row.callee_found_share)
        if share is not None
    ]
    if shares and sum(share < 0.5 for share in shares) > 0.8 * len(shares):
        err.print(
            f"Hardly any recording holds {reference.name}: it is probably not the clip "
            "that was played.",
            soft_wrap=True,
        )
