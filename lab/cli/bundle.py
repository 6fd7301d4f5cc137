"""`lab bundle`: a run in one file that travels, and whether such a file is whole."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from lab.bundles.layout import Artefacts
from lab.cli.output import doing, err, out, print_json
from lab.errors import UsageError

_MAKE = "make"


class _MakeUnlessVerify(click.Group):
    """Takes words that name no subcommand for those of `make`: `lab bundle RUN` packs the run."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put `make` in front where it was left out."""
        if args and args[0] not in (*self.commands, *ctx.help_option_names):
            args = [_MAKE, *args]
        return super().parse_args(ctx, args)


@click.group("bundle", cls=_MakeUnlessVerify, no_args_is_help=True)
def command() -> None:
    """Pack a run into one file that travels, or verify such a file.

    `lab bundle RUN` packs (it is short for `lab bundle make RUN`), `lab bundle verify FILE`
    checks. `lab report`, `lab export`, `lab measure` and `lab replay` take a bundle in the place of
    a run, without Docker; `lab experiment run --from FILE` repeats its run.
    """


@command.command(_MAKE)
@click.argument("run_id", metavar="RUN", default="last")
@click.option(
    "-o",
    "--out",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to write; default: RUN.tar.gz, here.",
)
@click.option(
    "--artefacts",
    type=click.Choice([each.value for each in Artefacts]),
    default=Artefacts.NONE.value,
    show_default=True,
    help="Also the directories of calls, with recordings and captures: of all, or of those that "
    "failed or are invalid.",
)
@click.option(
    "--author",
    "authors",
    multiple=True,
    metavar="NAME",
    help="Who made the run, as NAME or 'NAME <https://orcid.org/...>'; again for several. "
    "Default: nobody is named.",
)
@click.option("--json", "as_json", is_flag=True, help="Print what was packed as JSON.")
def make_command(
    run_id: str, file: Path | None, artefacts: str, authors: tuple[str, ...], as_json: bool
) -> None:
    """Pack RUN (default: the last one) into one file.

    In it: experiment, topology and plan as they were run, the rendered project of every topology
    without secrets, versions, locks and image digests, the results of this run alone, checksums,
    and RO-Crate metadata. The same run gives the same file.
    """
    from lab.bundles.crate import author
    from lab.bundles.make import make_bundle
    from lab.store.reading import read_store

    for text in authors:
        try:
            author(text)
        except ValueError as error:
            raise UsageError(f"--author {error}") from error
    with doing("packing ..."):
        with read_store() as store:
            run = store.run(run_id)
            calls = store.calls(run.run_id)
        made = make_bundle(
            run, calls, file or Path(f"{run.run_id}.tar.gz"), Artefacts(artefacts), authors
        )
    if as_json:
        print_json(
            {
                "file": str(made.file),
                "bytes": made.size_bytes,
                "sha256": made.sha256,
                **asdict(made.contents),
            }
        )
    for place, why in made.contents.left_out.items():
        err.print(f"Left out: {place}: {why}", soft_wrap=True)
    kept, every = len(made.contents.kept), len(made.contents.calls)
    err.print(
        f"Wrote {made.file}: {made.size_bytes / 1e6:.1f} MB, {every} calls, the directories of "
        f"{kept}; SHA-256 {made.sha256}",
        soft_wrap=True,
    )


@command.command("verify")
@click.argument(
    "file", metavar="FILE", type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.pass_context
def verify_command(ctx: click.Context, file: Path, as_json: bool) -> None:
    """Check a bundle: every checksum, its database, every call.

    Exit status 1 where anything is wrong, with a sentence for each mistake. No Docker is needed.
    """
    from lab.bundles.verify import check_bundle

    with doing("reading ..."):
        checked = check_bundle(file)
    contents = checked.contents
    if as_json:
        print_json(
            {
                "file": str(file),
                "run_id": contents and contents.run_id,
                "files": checked.files,
                "mistakes": checked.mistakes,
            }
        )
    elif contents is not None and not checked.mistakes:
        out.print(
            f"{file} is whole: run {contents.run_id}, {checked.files} files, "
            f"{len(contents.calls)} calls, the directories of {len(contents.kept)}",
            soft_wrap=True,
        )
    else:
        for mistake in checked.mistakes:
            out.print(f"{file}: {mistake}.", soft_wrap=True)
    ctx.exit(1 if checked.mistakes else 0)
