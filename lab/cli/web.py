"""`lab web`: the page, on 127.0.0.1, until Ctrl-C."""

from __future__ import annotations

from contextlib import suppress

import click

from lab.cli.completion import lab_names
from lab.cli.output import err


@click.command()
@click.argument("name", required=False, shell_complete=lab_names)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    help="Of 127.0.0.1; default: any that is free.",
)
def command(name: str | None, port: int) -> None:
    """Show the lab called NAME (default: your first that is up) in a browser, until Ctrl-C.

    Prints the page's address, which ends with a token: who has it may use the lab. From another
    host: `ssh -L 8000:127.0.0.1:PORT HOST`, and the same address with port 8000.
    """
    from lab.engine.client import connect
    from lab.web.hub import Hub
    from lab.web.server import serve

    def ready(address: str) -> None:
        click.echo(address)
        err.print("Open it in a browser of this host; Ctrl-C ends it.")

    with suppress(KeyboardInterrupt):
        serve(Hub(connect(), name), port, ready)
