"""The language of `lab.wire.lines` for an agent that must never wait for its orders."""

from __future__ import annotations

import json
import os
import select
import time
from typing import Any

_CHUNK_BYTES = 65536


class PolledLines:
    """Commands in, events out, neither of them ever blocking the program in between.

    Takes standard output away from everything else in the process: what a library prints
    there goes to standard error from now on, so that every line on stdout is an event.
    """

    def __init__(self, stdin: int = 0, stdout: int = 1, stderr: int = 2) -> None:
        self._stdin = stdin
        self._events = os.dup(stdout)
        os.dup2(stderr, stdout)
        self._buffer = b""
        self.ended = False
        """Whether standard input has reached its end: the sign to stop."""

    def emit(self, event: str, **fields: Any) -> None:
        """Write one event; `at` is the wall clock in seconds, as in captures."""
        line = json.dumps({"event": event, "at": time.time(), **fields}) + "\n"
        data = line.encode()
        while data:
            data = data[os.write(self._events, data) :]

    def commands(self) -> list[dict[str, Any]]:
        """The commands that have arrived by now, in order; ValueError for a line of another kind.

        A last line without its newline is dropped: whoever wrote it is gone.
        """
        while not self.ended and select.select([self._stdin], [], [], 0)[0]:
            chunk = os.read(self._stdin, _CHUNK_BYTES)
            self.ended = not chunk
            self._buffer += chunk
        *lines, self._buffer = self._buffer.split(b"\n")
        found = []
        for line in lines:
            command = json.loads(line)
            if not isinstance(command, dict):
                raise ValueError("a command is a JSON object")
            found.append(command)
        return found
