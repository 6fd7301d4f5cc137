"""`lab schema`: the JSON Schemas of topology and experiment files, for editors."""

from __future__ import annotations

import click

from lab.cli.output import print_json
from lab.topology.raw import topology_schema


@click.command("schema")
@click.argument(
    "kind", type=click.Choice(["topology", "experiment"]), default="topology", metavar="[KIND]"
)
def command(kind: str) -> None:
    """Print the JSON Schema of topology files, or with KIND `experiment` of experiments.

    An editor that speaks YAML explains and checks every key with it: save it beside your
    file and begin that with the line "# yaml-language-server: $schema=schema.json".
    """
    if kind == "topology":
        print_json(topology_schema())
        return
    from lab.sweep.raw import experiment_schema  # noqa: PLC0415 - `lab schema` needs no numpy

    print_json(experiment_schema())
