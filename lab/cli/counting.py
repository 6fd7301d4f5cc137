"""Work of which the parts are counted: how many at once, and a bar on stderr meanwhile."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from lab.cli.output import err


def jobs_option(explanation: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """`--jobs`: how many parts are worked on at once, by default one for each core."""
    return click.option(
        "--jobs",
        type=click.IntRange(min=1),
        default=len(os.sched_getaffinity(0)),
        show_default="all cores",
        help=explanation,
    )


@contextmanager
def counting(what: str) -> Iterator[Callable[[int, int], None]]:
    """Show it for as long as the block runs; what is yielded is told how many are done, of all."""
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=err,
    ) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
