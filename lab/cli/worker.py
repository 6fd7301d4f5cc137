"""`lab worker`: this host makes calls of experiments that are run elsewhere."""

from __future__ import annotations

import platform

import click

from lab.cli.output import doing


@click.command()
@click.argument("address", metavar="ADDRESS")
@click.option(
    "--labs",
    type=click.IntRange(1, 9),
    default=1,
    show_default=True,
    help="Labs side by side, as far as this host carries them.",
)
@click.option("--name", help="The worker, and how its labs' names begin; default: the host's.")
@click.option("--host", help="What records call this host; default: its own name.")
@click.option(
    "--patience",
    "patience_s",
    type=click.FloatRange(0),
    default=600,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for a scheduler that does not answer.",
)
def command(address: str, labs: int, name: str | None, host: str | None, patience_s: float) -> None:
    """Make calls on this host for experiments that are run elsewhere, until Ctrl-C.

    ADDRESS is that of dask's scheduler, such as tcp://10.1.2.3:8786. What the host lacks is got as
    `lab setup` does, labs that a killed worker of this name left are removed, and finished calls
    are kept until they are stored where the experiment is run (`lab experiment run --cluster`).
    """
    from lab.cli.progress import saying
    from lab.cluster.worker import Work, usual_name, work

    what = Work(address, name or usual_name(), labs, host or platform.node(), patience_s)
    with doing("looking at this host ...") as say:
        work(what, saying(say))
