"""The lab in which a demonstration is given: one that is up, or one of its own for as long."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

from docker import DockerClient

from lab.calls.turn import having_turn
from lab.demo.demonstration import Demonstration
from lab.demo.person import Person
from lab.demo.stage import VERB
from lab.engine.discovery import find_labs
from lab.engine.owners import is_mine
from lab.errors import LabError
from lab.events import both
from lab.events.journal import in_lab
from lab.interruption import undisturbed
from lab.lifecycle.down import down
from lab.lifecycle.ready import ReadyLab, open_lab
from lab.lifecycle.up import up
from lab.topology.model import Topology


def fitting_lab(client: DockerClient, demonstration: Demonstration, name: str | None) -> str:
    """The name of the lab called `name`, or of this user's only one, in which it can be given.

    LabError where none is up and whole, or where that one lacks what the demonstration needs.
    """
    if name is None and not any(is_mine(lab.owner) for lab in find_labs(client)):
        raise LabError("no lab is up", _what_to_run(demonstration))
    lab = open_lab(client, name)
    check_needs(demonstration, lab.topology)
    return lab.running.name


@contextmanager
def lab_that_is_up(client: DockerClient, name: str, person: Person) -> Iterator[ReadyLab]:
    """The lab called `name`, while nobody else calls in it."""
    with ExitStack() as stack:
        with person.busy("waiting for the lab") as tell:
            told = both(tell, in_lab(name, VERB))
            ready = stack.enter_context(having_turn(client, name, told))
        yield ready


@contextmanager
def lab_of_its_own(
    client: DockerClient,
    what: str,
    topology: str,
    person: Person,
    changes: Mapping[str, Any] | None = None,
) -> Iterator[ReadyLab]:
    """A lab that is brought up for `what`, and taken down at the end, however that comes.

    `topology` is a shipped name or a file; `changes` are dotted keys of it with other values.
    """
    name = f"{VERB}-{what}-{secrets.token_hex(2)}"
    try:
        with person.busy("bringing up a lab") as tell:
            up(client, topology, name, tell, changes)
        with lab_that_is_up(client, name, person) as ready:
            yield ready
    finally:
        with undisturbed(), person.busy("taking the lab down"):
            down(client, name)


def check_needs(demonstration: Demonstration, topology: Topology) -> None:
    """LabError where the topology lacks what the demonstration needs, with what to run."""
    for need in demonstration.needs:
        if not need.met(topology):
            raise LabError(
                f"topology {topology.name} is none for the demonstration {demonstration.name}: "
                f"{need.lack}",
                _what_to_run(demonstration),
            )


def _what_to_run(demonstration: Demonstration) -> str:
    return (
        f"Run `lab up {demonstration.topology}` first (--name tells several labs apart), or "
        f"`lab demo {demonstration.name} --up`, which has a lab of its own for as long."
    )
