"""One command at a time works on a lab, whoever's it is and wherever it keeps its files."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from lab.engine.names import Holder, holder_of, open_name, take
from lab.errors import LabError
from lab.events import Began, Listener, silent

PATIENCE_S = 10.0
"""Longer than a Compose that outlived a killed `lab up` takes to end."""
UP_PATIENCE_S = 300.0
"""Longer than a `lab up` takes, even on a crowded host."""
ENDING_S = 60.0
"""Longer than what a killed command began in nodes takes to notice that, and to end."""
POLL_S = 0.1
ASK_EVERY_S = 2.0
ANOTHER_LAB = "Wait until it has ended, or use another lab with --name."


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock that is held as long as any process has its descriptor open."""

    descriptor: int


@contextmanager
def locked(lab: str, patience_s: float = PATIENCE_S, tell: Listener = silent) -> Iterator[Lock]:
    """Hold the lock of the lab's name; LabError where others hold it for `patience_s`."""
    with _held(f"lab/{lab}", f"lab {lab}", patience_s, tell) as lock:
        yield lock


@contextmanager
def choosing_addresses(tell: Listener = silent) -> Iterator[None]:
    """Choose the addresses of a new lab and take them, while no other command does so.

    LabError where others do for longer than a `lab up` takes.
    """
    with _held("addresses", "the addresses of a new lab", UP_PATIENCE_S, tell):
        yield


@contextmanager
def only_run_in(lab: str) -> Iterator[None]:
    """Hold a lab for one run of an experiment; LabError where another run has it."""
    with alone(_run_in(lab), f"another run is under way in lab {lab}", ANOTHER_LAB):
        yield


@contextmanager
def alone(name: str, refusal: str, hint: str) -> Iterator[None]:
    """Hold a name; LabError at once where another process does: `refusal`, and which one."""
    with open_name() as taker:
        if not take(taker, name):
            raise LabError(f"{refusal}{_by(holder_of(name))}", hint)
        yield


_turns: dict[str, Lock] = {}
"""Lab → its lock, of those in which it is this process's turn."""


@contextmanager
def turn_in(lab: str, tell: Listener = silent) -> Iterator[None]:
    """Call in a lab, or change its links, while no other command does; waits for whoever does.

    What is started in the lab's nodes meanwhile holds on to the turn, see `held_on`: that of a
    command which was killed is over when all that it began has ended.
    LabError at once where another process has a run under way in the lab, and where what a
    killed command began goes on.
    """
    run = has_run(lab)
    if run and run.pid != os.getpid():
        raise LabError(f"a run is under way in lab {lab}{_by(run)}", ANOTHER_LAB)
    with open_name() as taker:
        ended_at: float | None = None
        for holder in until_taken(taker, _turn_in(lab), tell):
            now = time.monotonic()
            ended_at = None if holder is None or holder.runs else ended_at or now
            if ended_at and now - ended_at > ENDING_S:
                raise LabError(
                    f"{_awaited(holder)} still works in lab {lab} after {ENDING_S:.0f} s",
                    f"`lab down {lab}` ends it.",
                )
        _turns[lab] = Lock(taker.fileno())
        try:
            yield
        finally:
            del _turns[lab]


def until_no_run_in(lab: str, tell: Listener) -> None:
    """Wait until nobody has a run under way in a lab."""
    with open_name() as taker:
        for _ in until_taken(taker, _run_in(lab), tell):
            pass


def has_run(lab: str) -> Holder | None:
    """Who has a run under way in a lab; None where nobody has."""
    return holder_of(_run_in(lab))


def has_turn(lab: str) -> Holder | None:
    """Who calls in a lab, or changes its links; None where nobody does."""
    return holder_of(_turn_in(lab))


def held_on(lab: str) -> tuple[int, ...]:
    """The descriptors that a program which is started in a node of `lab` now is to inherit."""
    lock = _turns.get(lab)
    return (lock.descriptor,) if lock else ()


def until_taken(taker: socket.socket, name: str, tell: Listener) -> Iterator[Holder | None]:
    """Who has the name, as far as that is known, again and again until `taker` has it."""
    holder: Holder | None = None
    told: str | None = None
    ask_at = 0.0
    while not take(taker, name):
        if time.monotonic() >= ask_at:
            ask_at = time.monotonic() + ASK_EVERY_S
            holder = holder_of(name) or holder
            if (words := _awaited(holder)) != told:
                tell(Began(f"waiting for {words}"))
                told = words
        yield holder
        time.sleep(POLL_S)


def _awaited(holder: Holder | None) -> str:
    if holder is None:
        return "another command"
    return str(holder) if holder.runs else f"what {holder} left behind"


def _by(holder: Holder | None) -> str:
    return f": {holder}" if holder else ""


def _run_in(lab: str) -> str:
    return f"run in/{lab}"


def _turn_in(lab: str) -> str:
    return f"turn in/{lab}"


@contextmanager
def _held(name: str, what: str, patience_s: float, tell: Listener) -> Iterator[Lock]:
    deadline = time.monotonic() + patience_s
    with open_name() as taker:
        for holder in until_taken(taker, name, tell):
            if time.monotonic() > deadline:
                raise LabError(
                    f"{_awaited(holder)} has been working on {what} for {patience_s:.0f} s",
                    "Wait until it has ended.",
                )
        yield Lock(taker.fileno())
