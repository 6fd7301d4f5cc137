"""Where the commands at work on a lab or a run tell others: a file of lines beside it.

It is read to be told, never to know: what is so is asked of Docker, the kernel and the store.
"""

from __future__ import annotations

import fcntl
import logging
import os
import threading
import time
from pathlib import Path

from lab import storage
from lab.events.happenings import Happening, Listener
from lab.events.told import Told, to_line

log = logging.getLogger(__name__)

MAX_BYTES = 512 * 1024
"""Of a journal; its older half is then the file beside it, and what that held is gone."""
MAX_WAITING = 200
"""Lines that are kept for a journal whose directory is not there yet."""


def lab_journal(lab: str) -> Path:
    """The journal of a lab; it goes with the lab's project."""
    return storage.project_directory(lab) / "events.jsonl"


def run_journal(run_id: str) -> Path:
    """The journal of a run of an experiment."""
    return storage.run_directory(run_id) / "events.jsonl"


def older(path: Path) -> Path:
    """What a journal held before it was begun anew."""
    return path.with_suffix(".older.jsonl")


class Journal:
    """A `Listener` that writes down what it is told, on whatever threads.

    A line is one write under a lock, so that several processes may share the file. What cannot
    be written is not told: no work fails because its journal does. The journal's directory is
    never made here; lines wait for it.
    """

    def __init__(self, path: Path, lab: str | None, teller: str) -> None:
        self._path = path
        self._lab = lab
        self._teller = teller
        self._waiting: list[bytes] = []
        self._one_writes = threading.Lock()

    def tell(self, happening: Happening) -> None:
        """Write it down."""
        told = Told(time.time(), self._lab, self._teller, os.getpid(), happening)
        with self._one_writes:
            self._waiting = [*self._waiting, to_line(told).encode() + b"\n"][-MAX_WAITING:]
            try:
                append(self._path, b"".join(self._waiting))
            except FileNotFoundError:
                return
            except OSError as error:
                log.debug("%s: %s", self._path, error)
            self._waiting = []


def in_lab(lab: str, teller: str) -> Listener:
    """A listener that writes into the journal of a lab; `teller` is the verb at work."""
    return Journal(lab_journal(lab), lab, teller).tell


def append(path: Path, lines: bytes) -> None:
    """Add whole lines to a journal that stays bounded; OSError where it cannot be written."""
    while True:
        descriptor = storage.private_file(path, os.O_WRONLY | os.O_APPEND)
        with os.fdopen(descriptor, "ab", buffering=0) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            # Another process may have begun it anew in between.
            if is_at(path, descriptor):
                file.write(lines)
                if file.tell() > MAX_BYTES:
                    path.replace(older(path))
                return


def is_at(path: Path, descriptor: int) -> bool:
    """Whether the open file is still the one of that name."""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False
