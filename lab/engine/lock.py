"""One command at a time works on a lab, whoever's it is and wherever it keeps its files."""

from __future__ import annotations

import errno
import hashlib
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from lab.errors import LabError
from lab.events import Began, Listener, silent

PATIENCE_S = 10.0
"""Longer than a Compose that outlived a killed `lab up` takes to end."""
UP_PATIENCE_S = 180.0
"""Longer than a `lab up` takes, even on a crowded host."""
POLL_S = 0.1


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
def _held(name: str, what: str, patience_s: float, tell: Listener) -> Iterator[Lock]:
    """Hold a name among the abstract unix sockets of this host, which need no file."""
    deadline = time.monotonic() + patience_s
    # A name of any length and kind; that of a socket has at most 107 bytes.
    address = "\0voice-tor-lab/" + hashlib.sha256(name.encode(errors="surrogateescape")).hexdigest()
    with socket.socket(socket.AF_UNIX) as holder:
        waits = False
        while not _bound(holder, address):
            if time.monotonic() > deadline:
                raise LabError(
                    f"another command has been working on {what} for {patience_s:.0f} s",
                    "Wait until it has ended.",
                )
            if not waits:
                tell(Began(f"waiting for another command that works on {what}"))
                waits = True
            time.sleep(POLL_S)
        yield Lock(holder.fileno())


def _bound(holder: socket.socket, name: str) -> bool:
    try:
        holder.bind(name)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        return False
    return True
