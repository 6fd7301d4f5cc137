"""The authority's word that there is a consensus: relays wait for it instead of looking again.

Who looks makes a connection every time, which costs processor time at both ends and across the
delay lines between them, for as long as the others of a hundred relays are being started. A relay
that waits has one connection, on which nothing comes but the end of it.
"""

from __future__ import annotations

import socket
from contextlib import suppress
from ipaddress import IPv4Address

from lab.wire.ports import CONSENSUS_PORT


class Word:
    """Given once, to all who wait for it."""

    def __init__(self, address: IPv4Address, port: int = CONSENSUS_PORT, waiting: int = 1) -> None:
        """Let up to `waiting` relays wait; OSError where nobody can."""
        self._listener = socket.create_server((str(address), port), backlog=waiting)
        self.port: int = self._listener.getsockname()[1]

    def give(self) -> None:
        """Tell it; whoever comes later finds that nobody waits any more."""
        self._listener.setblocking(False)
        with self._listener, suppress(BlockingIOError):
            while True:
                self._listener.accept()[0].close()


def await_word(address: IPv4Address, patience_s: float, port: int = CONSENSUS_PORT) -> bool:
    """Wait until the authority has given its word; False where it gives none, or not in time."""
    try:
        with socket.create_connection((str(address), port), timeout=patience_s) as line:
            line.recv(1)
    except ConnectionResetError:
        # It came while the last word was given.
        return True
    except OSError:
        return False
    return True
