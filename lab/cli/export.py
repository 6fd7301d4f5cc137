"""`lab export`: the calls of a run as CSV or Parquet."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from lab.cli.output import err
from lab.errors import LabError, UsageError
from lab.store.export import FORMATS


@click.command("export")
@click.argument("run_id", metavar="RUN|BUNDLE", default="last")
@click.option(
    "--format", "form", type=click.Choice(list(FORMATS)), default="csv", show_default=True
)
@click.option(
    "--out",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to write; default: standard output.",
)
@click.option("--all", "everything", is_flag=True, help="Every call ever made, of all runs.")
def command(run_id: str, form: str, file: Path | None, everything: bool) -> None:
    """Write the calls of RUN (default: the last one), one row each, invalid and failed ones too.

    RUN may be the file of a bundle.
    """
    from lab.bundles.results import results_of

    if file is None and form == "parquet" and sys.stdout.isatty():
        raise UsageError("Parquet is no text for a terminal", "Say where to with --out.")
    with results_of(run_id) as results:
        run = None if everything else results.store.run(results.run_id).run_id
        calls = results.store.calls(run)
    data = FORMATS[form](calls)
    if file is None:
        sys.stdout.buffer.write(data)
        return
    try:
        file.write_bytes(data)
    except OSError as error:
        raise LabError(f"cannot write {file}: {error.strerror}") from error
    err.print(f"{len(calls)} calls in {file}", soft_wrap=True)
