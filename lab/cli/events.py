"""`lab events`: what happens in a running lab, a line each, until it has gone."""

from __future__ import annotations

import json
import sys

import click

from lab.cli.completion import lab_names


@click.command()
@click.argument("name", required=False, shell_complete=lab_names)
@click.option(
    "--interval",
    type=click.FloatRange(min=0.5),
    default=2.0,
    show_default=True,
    help="Seconds from one reading of the links' counters to the next.",
)
@click.option("--json", "as_json", is_flag=True, help="Print each as a line of JSON.")
def command(name: str | None, interval: float, as_json: bool) -> None:
    """Print what happens in the lab called NAME (default: your only one), until it has gone.

    First what is so: nodes, links, the call and the run under way. Then nodes that start and
    end, the counters of links, and what the commands tell that work on the lab.
    """
    from contextlib import closing

    from lab.cli.event_lines import line_of
    from lab.engine.client import connect
    from lab.engine.discovery import find_lab
    from lab.events.told import to_values
    from lab.watching.watch import watch

    client = connect()
    with closing(watch(client, find_lab(client, name), interval)) as stream:
        for told in stream:
            if as_json:
                click.echo(json.dumps(to_values(told), ensure_ascii=False))
            elif line := line_of(told):
                click.echo(line)
            sys.stdout.flush()
