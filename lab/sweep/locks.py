"""What only one run may do at a time."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from lab import storage
from lab.errors import LabError


def lab_lock(lab: str) -> str:
    """The file, below the lab's home, that a run in the lab called `lab` holds."""
    return f"labs/{lab}.run.lock"


@contextmanager
def only_run_in(lab: str) -> Iterator[None]:
    """Hold the lab called `lab` for one run; LabError where another run has it.

    The kernel frees the lock when its holder ends in whatever way.
    """
    with _exclusive(lab_lock(lab), f"another run is under way in lab {lab}"):
        yield


@contextmanager
def only_hand_on(run_id: str) -> Iterator[None]:
    """Hold a run; LabError where another command is going on with it."""
    with _exclusive(f"results/{run_id}.lock", f"run {run_id} is under way"):
        yield


@contextmanager
def bringing_up() -> Iterator[None]:
    """Wait until no other lab of a run is being brought up.

    Labs that start at once would choose the same addresses, and crowd the processors just when
    Tor votes by the clock.
    """
    with _lock_file("labs/bringing-up.lock") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def _exclusive(name: str, refusal: str) -> Iterator[None]:
    with _lock_file(name) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LabError(
                refusal, "Wait until it has ended, or use another lab with --name."
            ) from None
        yield


def _lock_file(name: str) -> IO[str]:
    path = storage.home() / name
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("a")
    except OSError as error:
        raise LabError(f"cannot write {path}: {error.strerror}", "Set LAB_HOME.") from error
