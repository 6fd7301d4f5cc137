"""A turn in a lab: to call in it or to change its links, while nobody else does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from docker import DockerClient

from lab.calls.workspace import clear_workspaces
from lab.engine.lock import turn_in
from lab.events import Listener, silent
from lab.lifecycle.ready import ReadyLab, open_lab
from lab.shaping.live import put_back_borrowed


@contextmanager
def having_turn(client: DockerClient, lab: str, tell: Listener = silent) -> Iterator[ReadyLab]:
    """Have the lab called `lab` to oneself, as the last command should have left it.

    Waits for whoever else has it. What a command that was killed has left is put right, and that
    is told. LabError where the lab is not up and whole, or another process has a run under way
    in it.
    """
    with turn_in(lab, tell):
        ready = open_lab(client, lab)
        put_back_borrowed(ready, tell)
        clear_workspaces(ready, tell)
        yield ready
