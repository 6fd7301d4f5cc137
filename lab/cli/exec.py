"""`lab exec`: run a command in a node."""

from __future__ import annotations

import subprocess
import sys

import click

from lab.cli.completion import node_names
from lab.cli.lab_option import LAB_OPTION


@click.command(context_settings={"ignore_unknown_options": True})
@click.option("--name", **LAB_OPTION)
@click.argument("node", shell_complete=node_names)
@click.argument("words", nargs=-1, required=True, metavar="-- COMMAND...")
@click.pass_context
def command(ctx: click.Context, name: str | None, node: str, words: tuple[str, ...]) -> None:
    """Run COMMAND in NODE as the node's own user and exit with its status."""
    from lab.engine.client import connect
    from lab.engine.discovery import find_lab
    from lab.engine.hosts import docker_command
    from lab.engine.owners import check_mine

    lab = find_lab(connect(), name)
    check_mine(lab.name, lab.owner, "Only they run commands in it.")
    found = lab.node(node)
    terminal = ["-it"] if sys.stdin.isatty() and sys.stdout.isatty() else ["-i"]
    command = [*docker_command(found.engine), "exec", *terminal, found.container_id, *words]
    ctx.exit(subprocess.run(command, check=False).returncode)
