"""The connection to baresip's module `ctrl_tcp`: JSON objects, each in a netstring.

A netstring is the length in decimal digits, a colon, the bytes and a comma.
"""

from __future__ import annotations

import json
import re
import select
import socket
import time
from typing import Any

_RETRY_S = 0.02
_CHUNK_BYTES = 65536


class ControlError(Exception):
    """The connection could not be made, or has ended."""


class Control:
    """Commands to one baresip; its responses and events."""

    def __init__(self, port: int, deadline_s: float) -> None:
        """Connect as soon as it listens; ControlError where it does not within `deadline_s`."""
        end = time.monotonic() + deadline_s
        while True:
            try:
                self._socket = socket.create_connection(("127.0.0.1", port), timeout=deadline_s)
                break
            except OSError as error:
                if time.monotonic() >= end:
                    raise ControlError(f"baresip takes no orders: {error}") from None
                time.sleep(_RETRY_S)
        self._buffer = b""

    def send(self, command: str, params: str | None = None) -> None:
        """Hand one command over; its name comes back as the response's `token`."""
        message = {"command": command, "token": command}
        if params is not None:
            message["params"] = params
        body = json.dumps(message).encode()
        try:
            self._socket.sendall(b"%d:%s," % (len(body), body))
        except OSError as error:
            raise ControlError(f"baresip does not listen any more: {error}") from None

    def messages(self, timeout_s: float) -> list[dict[str, Any]]:
        """What has come by now, waiting up to `timeout_s` for the first.

        ControlError where baresip has closed the connection.
        """
        while select.select([self._socket], [], [], timeout_s)[0]:
            chunk = self._socket.recv(_CHUNK_BYTES)
            if not chunk:
                raise ControlError("baresip has closed its control connection")
            self._buffer += chunk
            timeout_s = 0
        found, self._buffer = split_netstrings(self._buffer)
        return [json.loads(body) for body in found]

    def close(self) -> None:
        """Let go of the connection."""
        self._socket.close()


def sip_answer(told: str) -> tuple[int, str]:
    """Status and reason of a SIP answer as baresip tells it; 0 and the text where it is none."""
    answer = re.fullmatch(r"(\d{3}) (.*)", told)
    return (int(answer[1]), answer[2]) if answer else (0, told)


def split_netstrings(data: bytes) -> tuple[list[bytes], bytes]:
    """The contents of the whole netstrings at the beginning of `data`, and what is left."""
    found: list[bytes] = []
    while True:
        digits, colon, rest = data.partition(b":")
        if not colon or len(rest) <= int(digits):
            return found, data
        found.append(rest[: int(digits)])
        data = rest[int(digits) + 1 :]
