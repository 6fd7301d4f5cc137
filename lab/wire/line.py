"""The node's end of a dialogue: orders on standard input, events on standard output."""

from __future__ import annotations

import os
import select
import threading
import time
from typing import TypeVar

from lab.wire.messages import Dialogue, Event, Failed, Order, write
from lab.wire.plain import ShapeError

OrderT = TypeVar("OrderT", bound=Order)

_CHUNK_BYTES = 65536


class Line:
    """Hears orders, one by one and as long as there are any, and says events.

    Takes standard output away from everything else in the process: what a library prints
    there goes to standard error from now on. An order that is none of the dialogue's is
    answered with `Failed`, and dropped.
    """

    def __init__(
        self, dialogue: Dialogue, stdin: int = 0, stdout: int = 1, stderr: int = 2
    ) -> None:
        self._dialogue = dialogue
        self._stdin = stdin
        self._events = os.dup(stdout)
        os.dup2(stderr, stdout)
        self._saying = threading.Lock()
        self._buffer = b""
        self._orders: list[Order] = []
        self._input_ended = False

    @property
    def ended(self) -> bool:
        """Whether the input has ended and its last order was heard: the sign to stop."""
        return self._input_ended and not self._orders

    def fileno(self) -> int:
        """For `select`: readable when there may be an order to `hear`."""
        return self._stdin

    def say(self, event: Event) -> None:
        """Write one event; safe from several threads."""
        data = (write(event) + "\n").encode()
        with self._saying:
            while data:
                data = data[os.write(self._events, data) :]

    def hear(self, timeout_s: float | None = None) -> Order | None:
        """The next order; None when the input has `ended`, or none came in `timeout_s`.

        A last line without its newline is dropped: whoever wrote it is gone.
        """
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        while not self._orders and not self._input_ended:
            wait_s = None if deadline is None else max(0.0, deadline - time.monotonic())
            if not select.select([self._stdin], [], [], wait_s)[0]:
                return None
            self._read()
        return self._orders.pop(0) if self._orders else None

    def hear_first(self, kind: type[OrderT]) -> OrderT | None:
        """The order that a program is started with; None where its input ends before."""
        while (order := self.hear()) is not None:
            if isinstance(order, kind):
                return order
            self.say(Failed(f"{type(order).__name__} came before {kind.__name__}"))
        return None

    def wait_for_end(self) -> None:
        """Return when the input has ended; nothing more can be ordered."""
        while (order := self.hear()) is not None:
            self.say(Failed(f"{type(order).__name__} is too late"))

    def _read(self) -> None:
        chunk = os.read(self._stdin, _CHUNK_BYTES)
        self._input_ended = not chunk
        *lines, self._buffer = (self._buffer + chunk).split(b"\n")
        for line in lines:
            try:
                self._orders.append(self._dialogue.read_order(line.decode(errors="replace")))
            except ShapeError as error:
                self.say(Failed(f"no order of {self._dialogue.program}: {error}"))
