"""`lab demo`: a guided demonstration, from the question to a record that is handed in."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from rich.table import Table

from lab.cli.completion import demonstrations
from lab.cli.lab_option import LAB_OPTION
from lab.cli.output import err, out, print_json
from lab.errors import UsageError


@click.command()
@click.argument("name", metavar="DEMONSTRATION", required=False, shell_complete=demonstrations)
@click.option("--list", "listed", is_flag=True, help="Tell which there are.")
@click.option("--yes", "unattended", is_flag=True, help="Ask nobody; run it from end to end.")
@click.option("--name", "lab", metavar="LAB", **LAB_OPTION)
@click.option("--up", "own", is_flag=True, help="Have a lab of its own, for as long as it lasts.")
@click.option("--student", help="Who hands the record in; default: it is asked.")
@click.option("--seed", type=int, default=0, show_default=True, help="Chooses circuits.")
@click.option(
    "-o",
    "--out",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where the record goes; default: among the results.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
@click.option("--web", "on_page", is_flag=True, help="Give it on a page, in a browser.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    help="Of 127.0.0.1, for --web; default: any that is free.",
)
@click.option("--in-lines", is_flag=True, hidden=True)
@click.pass_context
def command(
    ctx: click.Context,
    name: str | None,
    listed: bool,
    unattended: bool,
    lab: str | None,
    own: bool,
    student: str | None,
    seed: int,
    file: Path | None,
    as_json: bool,
    on_page: bool,
    port: int | None,
    in_lines: bool,
) -> None:
    """Give a demonstration: a question, your prediction, calls that answer it, and why.

    It ends with a question that is checked against what was measured, and writes a record (one
    HTML file) to hand in. Exit status 1 where it did not show what it is meant to; the record
    says so, too. `lab demo --list` tells which there are and which lab each takes.

    With --web it is shown and answered on a page whose address is printed; "Done" there, or
    Ctrl-C, ends the command. `lab web` has a page with all demonstrations.
    """
    from lab.demo.demonstrations import DEMONSTRATIONS

    if listed:
        _list(as_json)
        return
    if name is None:
        raise UsageError("no demonstration is named", "`lab demo --list` tells which there are.")
    if own and lab is not None:
        raise UsageError("--up has a lab of its own, so --name has no meaning beside it")
    if port is not None and not on_page:
        raise UsageError("--port is that of the page, so it has no meaning without --web")
    demonstration = DEMONSTRATIONS.named(name)
    if not (unattended or on_page or in_lines or sys.stdin.isatty()):
        raise UsageError(
            "a demonstration asks questions, and there is no terminal to answer them at",
            "--yes runs it without a person, and --web gives it in a browser.",
        )
    from lab.cli.demo_page import give_on_page
    from lab.cli.demo_terminal import Terminal
    from lab.demo.distant import Distant
    from lab.demo.frame import demonstrate, predict
    from lab.demo.labs import fitting_lab, lab_of_its_own, lab_that_is_up
    from lab.demo.lines import TELLING
    from lab.demo.record import write_record
    from lab.engine.client import connect
    from lab.store.database import open_store
    from lab.wire.line import Line

    client = connect()
    fitting = None if own else fitting_lab(client, demonstration, lab)
    if on_page:
        words = _words(fitting, student, seed, file, unattended=unattended)
        ctx.exit(give_on_page(client, name, words, fitting, port or 0, as_json=as_json))
    person = (
        Distant(Line(TELLING), attends=not unattended)
        if in_lines
        else Terminal(err if as_json else out, attends=not unattended)
    )
    student = person.name() if student is None else student
    prediction = predict(demonstration, person)
    given = (
        lab_of_its_own(client, name, demonstration.topology, person)
        if fitting is None
        else lab_that_is_up(client, fitting, person)
    )
    with given as ready, open_store() as store:
        outcome = demonstrate(
            client, ready, demonstration, person, store, prediction, student, seed
        )
    written = write_record(outcome, file)
    if isinstance(person, Distant):
        person.hand_over(outcome, written)
    elif as_json:
        print_json({**outcome.to_dict(), "record": str(written)})
    err.print(f"Wrote {written}", soft_wrap=True)
    ctx.exit(0 if outcome.lacking is None else 1)


def _words(
    lab: str | None, student: str | None, seed: int, file: Path | None, *, unattended: bool
) -> list[str]:
    """The options of the same command that is told and answered in lines."""
    words = ["--up"] if lab is None else ["--name", lab]
    if student is not None:
        words += ["--student", student]
    if file is not None:
        words += ["--out", str(file)]
    if unattended:
        words.append("--yes")
    return [*words, "--seed", str(seed)]


def _list(as_json: bool) -> None:
    from lab.demo.demonstrations import DEMONSTRATIONS

    if as_json:
        print_json(
            [
                {
                    "name": each.name,
                    "title": each.title,
                    "topology": each.topology,
                    "prediction": each.prediction.text,
                    "choices": list(each.prediction.choices),
                }
                for each in DEMONSTRATIONS
            ]
        )
        return
    table = Table("demonstration", "what it asks", "lab up", box=None, header_style="bold")
    for each in DEMONSTRATIONS:
        table.add_row(each.name, each.title, each.topology)
    out.print(table)
