"""A program running inside a node, spoken to through `docker exec` as its dialogue allows.

The agent ends by itself when its standard input ends, so nothing is left behind in a node
however this process goes.
"""

from __future__ import annotations

import fcntl
import logging
import os
import queue
import subprocess
import threading
import weakref
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import IO, Self, TypeVar

from lab.errors import LabError
from lab.wire.messages import Dialogue, Event, Failed, NoMessageError, Order, write
from lab.wire.plain import ShapeError

log = logging.getLogger(__name__)

EventT = TypeVar("EventT", bound=Event)

LAST_LINES = 5
"""How many lines of an agent's standard error an error message shows."""
EVENTS_BYTES = 1 << 20
"""More than an agent says from the end of its orders to its own."""


class AgentError(LabError):
    """An agent said what nobody awaited."""


class AgentFailedError(AgentError):
    """An agent said that it failed."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")
        self.reason = reason
        """In the agent's own words."""


class AgentEndedError(AgentError, EOFError):
    """An agent ended although it was still needed."""


class AgentSilentError(AgentError, TimeoutError):
    """An agent did not answer in time."""


class Agent:
    """One agent: `send` an order, `receive` its events in their order."""

    def __init__(
        self,
        name: str,
        command: list[str],
        dialogue: Dialogue,
        holds: Sequence[int] = (),
        most_waiting: int | None = None,
    ) -> None:
        """Start `command` (usually a `docker exec -i`); `name` stands in error messages.

        The command has the descriptors that it `holds` open for as long as the agent runs. An agent
        that tells without end is not listened to while `most_waiting` of its events wait to be
        received.
        """
        self.name = name
        self._dialogue = dialogue
        self._remarks = _memory(self)
        events, into_events = _pipe(roomy=most_waiting is None)
        with os.fdopen(into_events, "wb"):
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=into_events,
                stderr=self._remarks,
                encoding="utf-8",
                errors="replace",
                start_new_session=True,
                # Where this process is killed, what the agent has still to say breaks no pipe, and
                # fills none: the command ends with the agent then, neither before it nor never. One
                # that tells without end would fill any.
                pass_fds=(*holds, *(() if most_waiting else (events.fileno(),))),
            )
        self._events: queue.Queue[Event | None] = queue.Queue(most_waiting or 0)
        self._strange: list[str] = []
        """Lines among the events that are none."""
        self._reader = threading.Thread(target=self._read_events, args=(events,), daemon=True)
        self._reader.start()

    def send(self, order: Order) -> None:
        """Hand the agent one order; AgentEndedError where it has ended."""
        assert self._process.stdin
        try:
            self._process.stdin.write(write(order) + "\n")
            self._process.stdin.flush()
        except OSError as error:
            raise self._ended() from error

    def receive(self, timeout_s: float) -> Event:
        """The agent's next event.

        AgentFailedError where it is `Failed`, AgentSilentError when none came in `timeout_s`,
        AgentEndedError when none can.
        """
        try:
            event = self._events.get(timeout=timeout_s)
        except queue.Empty:
            raise AgentSilentError(
                f"{self.name} said nothing for {timeout_s:.0f} s{self._last_words()}"
            ) from None
        if event is None:
            self._events.put(None)
            raise self._ended()
        if isinstance(event, Failed):
            raise AgentFailedError(self.name, event.reason)
        return event

    def expect(self, kind: type[EventT], timeout_s: float) -> EventT:
        """The agent's next event, which must be a `kind`; AgentError where it is none."""
        event = self.receive(timeout_s)
        if not isinstance(event, kind):
            raise AgentError(f"{self.name} said {write(event)} where {kind.__name__} was awaited")
        return event

    def ask(self, order: Order, kind: type[EventT], timeout_s: float) -> EventT:
        """Send one order and `expect` its answer."""
        self.send(order)
        return self.expect(kind, timeout_s)

    def end(self) -> None:
        """End the agent's input, and with it soon the agent; `close` waits for that."""
        assert self._process.stdin
        try:
            self._process.stdin.close()
        except OSError:
            log.debug("%s had closed its input", self.name)

    def close(self, timeout_s: float = 5) -> None:
        """End the agent by ending its input; kill it where it does not follow."""
        self.end()
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            log.warning("%s did not end within %.0f s of its input; killed", self.name, timeout_s)
            self._process.kill()
            self._process.wait()
        self._read_out()

    @property
    def log_text(self) -> str:
        """All that the agent wrote besides its events so far."""
        size = os.fstat(self._remarks).st_size
        written = os.pread(self._remarks, size, 0).decode(errors="replace").splitlines()
        return "\n".join(self._strange + written)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _read_events(self, stream: IO[str]) -> None:
        with stream:
            for line in stream:
                try:
                    self._events.put(self._dialogue.read_event(line))
                except NoMessageError:
                    # Docker's own words, for instance that there is no such program.
                    self._strange.append(line.rstrip("\n"))
                except ShapeError as error:
                    self._events.put(Failed(f"what it said cannot be understood: {error}"))
        self._events.put(None)

    def _read_out(self) -> None:
        """Read what an agent that has ended had still to say."""
        self._reader.join(timeout=1)

    def _ended(self) -> AgentEndedError:
        self._read_out()
        return AgentEndedError(f"{self.name} has ended{self._last_words()}")

    def _last_words(self) -> str:
        code = self._process.poll()
        state = "" if code is None else f" with exit status {code}"
        lines = [line for line in self.log_text.splitlines() if line.strip()][-LAST_LINES:]
        return state + ("; its last lines:\n  " + "\n  ".join(lines) if lines else "")


def _memory(whose: object) -> int:
    """A file in memory, which takes all that is written to it; closed when `whose` is no more."""
    descriptor = os.memfd_create("remarks")
    weakref.finalize(whose, os.close, descriptor)
    return descriptor


def _pipe(*, roomy: bool) -> tuple[IO[str], int]:
    """The reading end, and the writing one; a roomy pipe takes much while nobody reads."""
    read, write = os.pipe()
    if roomy:
        # Who is not root may have too many of them: then it takes what pipes take.
        with suppress(PermissionError):
            fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, EVENTS_BYTES)
    return os.fdopen(read, encoding="utf-8", errors="replace"), write
