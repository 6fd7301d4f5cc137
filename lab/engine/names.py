"""Names that one process at a time has on this host, and who has them.

They are names of abstract unix sockets (unix(7)), which need no file: the kernel frees one with
the last process that has its descriptor open, and knows who took it.
"""

from __future__ import annotations

import errno
import hashlib
import shlex
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePath

_MOST_ASKERS = 4096
"""Who asks for the holder waits in the holder's queue for as long as it has the name."""
_CREDENTIALS = struct.Struct("=iII")
"""struct ucred: process, user, group."""


@dataclass(frozen=True, slots=True)
class Holder:
    """The process that took a name, as the kernel tells."""

    pid: int

    @property
    def runs(self) -> bool:
        """Whether it still does; where not, programs that it has started have the name."""
        return Path(f"/proc/{self.pid}").exists()

    def __str__(self) -> str:
        command = _lab_command(self.pid)
        return f"`{command}` (process {self.pid})" if command else f"process {self.pid}"


@contextmanager
def open_name() -> Iterator[socket.socket]:
    """What is to `take` a name, and has it until the block ends."""
    with socket.socket(socket.AF_UNIX) as taker:
        yield taker


def take(taker: socket.socket, name: str) -> bool:
    """Whether `taker` has the name from now on; not where another has it."""
    try:
        taker.bind(_address(name))
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        return False
    taker.listen(_MOST_ASKERS)
    return True


def holder_of(name: str) -> Holder | None:
    """Who has a name; None where nobody has, or the kernel does not tell."""
    with socket.socket(socket.AF_UNIX) as asker:
        asker.setblocking(False)
        try:
            asker.connect(_address(name))
        except OSError:
            return None
        told = asker.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    return Holder(_CREDENTIALS.unpack(told)[0])


def _address(name: str) -> str:
    """Of a name of any length and kind; that of a socket has at most 107 bytes."""
    return "\0voice-tor-lab/" + hashlib.sha256(name.encode(errors="surrogateescape")).hexdigest()


def _lab_command(pid: int) -> str | None:
    """What a user typed to start the process; None where that was not `lab`, or cannot be read."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return None
    for index, word in enumerate(words):
        if PurePath(word).name == "lab":
            return shlex.join(["lab", *words[index + 1 : -1]])
    return None
