"""`lab down`: take a lab down, or whatever any lab left."""

from __future__ import annotations

import click

from lab.cli.completion import lab_names
from lab.cli.output import doing, err
from lab.errors import UsageError


@click.command()
@click.argument("name", required=False, shell_complete=lab_names)
@click.option("--all", "everything", is_flag=True, help="Every lab of yours, and leftovers of any.")
def command(name: str | None, everything: bool) -> None:
    """Take down the lab called NAME (default: your only one). Results of calls are kept."""
    from lab.engine.client import connect
    from lab.lifecycle.down import down, down_all

    if name and everything:
        raise UsageError("name a lab or say --all, not both")
    client = connect()
    with doing("taking down ..."):
        removed = down_all(client) if everything else down(client, name)
    if not removed.docker_objects:
        err.print("Nothing was up.")
        return
    err.print(f"{removed.lab}: {removed.docker_objects} containers, networks and volumes removed.")
