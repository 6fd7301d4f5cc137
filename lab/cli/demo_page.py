"""`lab demo NAME --web`: one demonstration on the page, until it has been seen."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import click
from docker import DockerClient

from lab.cli.output import err, print_json


def give_on_page(
    client: DockerClient,
    name: str,
    words: Sequence[str],
    lab: str | None,
    port: int,
    *,
    as_json: bool,
) -> int:
    """Give a demonstration on a page of its own; its exit status, as on a terminal.

    `words` are the other words of its command line, and `lab` is what the page follows beside it.
    KeyboardInterrupt where it was given up.
    """
    from lab.web.hub import Hub
    from lab.web.pages.demonstrations import PATH
    from lab.web.server import serve

    def ready(address: str) -> None:
        click.echo(address, err=as_json)
        err.print('Open it in a browser of this host; "Done" there, or Ctrl-C, ends it.')

    hub = Hub(client, lab)
    hub.demonstrating.done = threading.Event()
    giving = hub.demonstrating.start(name, words)
    interrupted: KeyboardInterrupt | None = None
    try:
        serve(hub, port, ready, PATH)
    except KeyboardInterrupt as error:
        interrupted = error
    finally:
        hub.demonstrating.end()
    status = giving.wait()
    record = giving.transcript.screen.record
    if record is None and (interrupted or giving.given_up):
        raise interrupted or KeyboardInterrupt
    err.print(giving.remarks.rstrip("\n"), soft_wrap=True)
    if as_json and record is not None:
        print_json({**record.outcome, "record": str(record.file)})
    return status
