"""`lab setup`: get what this host lacks."""

from __future__ import annotations

import click

from lab.cli.output import doing, err


@click.command()
@click.argument("roles", nargs=-1)
@click.option(
    "--here",
    is_flag=True,
    help="Only pesq, without which nothing is scored: takes a C compiler, but no Docker.",
)
def command(roles: tuple[str, ...], here: bool) -> None:
    """Get what this host lacks: Compose v2, pesq, the base image and the lab's images.

    What is there already is left alone. With ROLES only these images are built.
    """
    from lab.cli.progress import SetupProgress
    from lab.engine.client import connect
    from lab.lifecycle.set_up import set_up, set_up_without_docker

    with doing("looking for what is missing ...") as say:
        progress = SetupProgress(say)
        if here:
            set_up_without_docker(progress.tell)
            return
        set_up(connect(), progress.tell, roles)
    err.print("Everything is set up.")
