"""`lab demo`: a guided demonstration, from the question to a record that is handed in."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from rich.table import Table

from lab.cli.completion import demonstrations, lab_names
from lab.cli.output import err, out, print_json
from lab.errors import UsageError


@click.command()
@click.argument("name", metavar="DEMONSTRATION", required=False, shell_complete=demonstrations)
@click.option("--list", "listed", is_flag=True, help="Tell which there are.")
@click.option("--yes", "unattended", is_flag=True, help="Ask nobody; run it from end to end.")
@click.option(
    "--name",
    "lab",
    metavar="LAB",
    shell_complete=lab_names,
    help="The lab; default: the only one.",
)
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
) -> None:
    """Give a demonstration: a question, your prediction, calls that answer it, and why.

    It ends with a question that is checked against what was measured, and writes a record (one
    HTML file) to hand in. Exit status 1 where it did not show what it is meant to; the record
    says so, too. `lab demo --list` tells which there are and which lab each takes.
    """
    from lab.cli.demo_terminal import Terminal
    from lab.demo.demonstrations import DEMONSTRATIONS
    from lab.demo.frame import demonstrate, predict
    from lab.demo.labs import fitting_lab, lab_of_its_own, lab_that_is_up
    from lab.demo.record import write_record
    from lab.engine.client import connect
    from lab.store.database import open_store

    if listed:
        _list(as_json)
        return
    if name is None:
        raise UsageError("no demonstration is named", "`lab demo --list` tells which there are.")
    if own and lab is not None:
        raise UsageError("--up has a lab of its own, so --name has no meaning beside it")
    demonstration = DEMONSTRATIONS.named(name)
    if not unattended and not sys.stdin.isatty():
        raise UsageError(
            "a demonstration asks questions, and there is no terminal to answer them at",
            "--yes runs it without a person.",
        )
    client = connect()
    fitting = None if own else fitting_lab(client, demonstration, lab)
    person = Terminal(err if as_json else out, attends=not unattended)
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
    if as_json:
        print_json({**outcome.to_dict(), "record": str(written)})
    err.print(f"Wrote {written}", soft_wrap=True)
    ctx.exit(0 if outcome.lacking is None else 1)


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
