"""One command at a time works on a lab."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from lab import storage
from lab.errors import LabError

PATIENCE_S = 10.0
"""Longer than a Compose that outlived a killed `lab up` takes to end."""
POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock that is held as long as any process has its descriptor open."""

    descriptor: int


@contextmanager
def locked(lab: str, patience_s: float = PATIENCE_S) -> Iterator[Lock]:
    """Hold the lock of the lab's name; LabError where others hold it for `patience_s`."""
    path = storage.home() / "labs" / f"{lab}.lock"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("w")
    except OSError as error:
        raise LabError(f"cannot write {path}: {error.strerror}", "Set LAB_HOME.") from error
    deadline = time.monotonic() + patience_s
    with file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise LabError(
                        f"another command has been working on lab {lab} for {patience_s:.0f} s",
                        "Wait until it has ended.",
                    ) from None
                time.sleep(POLL_S)
        yield Lock(file.fileno())
