"""`lab schema`: the JSON Schemas of topology and experiment files, for editors."""

from __future__ import annotations

import click

from lab.cli.output import print_json


@click.command("schema")
@click.argument(
    "kind", type=click.Choice(["topology", "experiment"]), default="topology", metavar="[KIND]"
)
def command(kind: str) -> None:
    """Print the JSON Schema of topology files, or of experiments (KIND `experiment`).

    An editor that speaks YAML explains and checks every key with it: save it beside your
    file and begin that with the line "# yaml-language-server: $schema=schema.json".
    """
    if kind == "topology":
        from lab.topology.raw import topology_schema

        print_json(topology_schema())
        return
    from lab.sweep.grammar import experiment_schema

    print_json(experiment_schema())
