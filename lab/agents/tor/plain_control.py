"""A tor's control connection for whoever only asks it for a few things: standard library only.

Importing stem takes several times the processor time of all else that is done beside the tor of a
relay (docs/many-relays.md); who follows events or builds circuits has stem (`control`).
"""

from __future__ import annotations

import socket
import time
from typing import Self

from lab.agents.tor.node import TorFiles

POLL_S = 0.05
_DONE = "250"
"""What tor begins the answer to a request with that it has done (control-spec, section 4)."""
TIMEOUT_S = 30.0


class PlainControlError(Exception):
    """A tor cannot be asked; the message says why."""


class RefusedError(PlainControlError):
    """It answers that it will not, or does not know what is meant."""


class PlainControl:
    """One authenticated control connection."""

    def __init__(self, files: TorFiles, deadline_s: float = 0.0) -> None:
        """Connect as soon as tor listens; PlainControlError where it does not in time."""
        end = time.monotonic() + deadline_s
        while True:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self._socket.settimeout(TIMEOUT_S)
            try:
                self._socket.connect(str(files.control_socket))
                self._answers = self._socket.makefile("r", encoding="utf-8", newline="\r\n")
                self.ask(f"AUTHENTICATE {files.control_cookie.read_bytes().hex()}")
            except (OSError, PlainControlError) as error:
                self._socket.close()
                if time.monotonic() >= end:
                    raise PlainControlError(
                        f"tor cannot be asked on its control socket: {error}"
                    ) from error
                time.sleep(POLL_S)
            else:
                return

    def ask(self, request: str) -> list[str]:
        """The lines of the answer without their status; a document is one of them.

        RefusedError where tor refuses, PlainControlError where it does not answer.
        """
        try:
            self._socket.sendall(f"{request}\r\n".encode())
            return self._answer(request)
        except OSError as error:
            raise PlainControlError(
                f"tor did not answer {request.split(maxsplit=1)[0]}: {error}"
            ) from error

    def version(self) -> str:
        """Of the running tor, without the commit that it was built from."""
        return self._value("GETINFO version").split()[0]

    def document(self, name: str) -> str:
        """What GETINFO tells under a name."""
        return self._value(f"GETINFO {name}")

    def option(self, name: str) -> str:
        """What tor goes by; empty where it goes by its own default."""
        return self._value(f"GETCONF {name}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._answers.close()
        self._socket.close()

    def _value(self, request: str) -> str:
        """The value of an answer `name=value`; after a `=` at a line's end, of a document."""
        return self.ask(request)[0].partition("=")[2]

    def _answer(self, request: str) -> list[str]:
        """Lines `250-…`, `250+…` with a document behind them, and `250 …`, the last one."""
        lines: list[str] = []
        while True:
            line = self._line()
            status, kind, text = line[:3], line[3:4], line[4:]
            if status != _DONE:
                raise RefusedError(f"tor refuses {request.split(maxsplit=1)[0]}: {text}")
            lines.append(f"{text}{self._document()}" if kind == "+" else text)
            if kind == " ":
                return lines

    def _document(self) -> str:
        """Lines up to a single dot; one that begins with a dot has another one before it."""
        lines = []
        while (line := self._line()) != ".":
            lines.append(line.removeprefix("."))
        return "\n".join(lines)

    def _line(self) -> str:
        line = self._answers.readline()
        if not line.endswith("\r\n"):
            raise PlainControlError("tor closed its control connection")
        return line[:-2]
