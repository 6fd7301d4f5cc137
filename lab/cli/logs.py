"""`lab logs`: what a node has printed."""

from __future__ import annotations

import subprocess

import click

from lab.cli.completion import node_names
from lab.cli.lab_option import LAB_OPTION


@click.command()
@click.option("--name", **LAB_OPTION)
@click.option("-f", "--follow", is_flag=True, help="Go on until interrupted.")
@click.option("-n", "--lines", type=click.IntRange(min=0), help="Only the last so many lines.")
@click.argument("node", shell_complete=node_names)
@click.pass_context
def command(
    ctx: click.Context, name: str | None, follow: bool, lines: int | None, node: str
) -> None:
    """Print the log of NODE."""
    from lab.engine.client import connect
    from lab.engine.discovery import find_lab
    from lab.engine.hosts import docker_command

    found = find_lab(connect(), name).node(node)
    options = (["--follow"] if follow else []) + ([f"--tail={lines}"] if lines is not None else [])
    command = [*docker_command(found.engine), "logs", *options, found.container_id]
    ctx.exit(subprocess.run(command, check=False).returncode)
