"""A demonstration that is given on the page: a `lab demo` of its own, told to all viewers.

It is a process and no thread of the page's. Ctrl-C ends a call under way, and puts links back, by
an exception that only a process's main thread is given, and here that one is the server's. A turn
in a lab belongs to a process, so that with a thread the page's would have it, and could not be
killed without ending what the page shows. And calls are timed by a process that draws nothing.
"""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import threading
from collections.abc import Sequence

from lab.command import WORDS
from lab.demo.lines import TELLING
from lab.errors import LabError
from lab.web.commands import Done
from lab.web.demonstrations.transcript import Transcript
from lab.wire.messages import write
from lab.wire.plain import ShapeError

ENDING_S = 120.0
"""Longer than a demonstration takes to end a call, to put links back and to take its lab down."""
COMMAND = (*WORDS, "demo")
FOR_A_PAGE = "--in-lines"
"""The option of `lab demo` with which it is told and answered in lines."""


class Giving:
    """One demonstration, from its start to its end."""

    def __init__(
        self,
        name: str,
        words: Sequence[str],
        number: int = 1,
        command: Sequence[str] = COMMAND,
    ) -> None:
        """Start `lab demo NAME` with these other words of its command line, the page's `number`."""
        self.name = name
        self.number = number
        self.transcript = Transcript()
        self.given_up = False
        self._remarks = tempfile.TemporaryFile()  # noqa: SIM115 - read until the process ends
        self._process = subprocess.Popen(
            [*command, name, *words, FOR_A_PAGE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._remarks,
            encoding="utf-8",
            errors="replace",
        )
        self._answering = threading.Lock()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def runs(self) -> bool:
        """Whether it has not ended yet."""
        return self.transcript.screen.ended is None

    def answer(self, number: int, given: int | str) -> bool:
        """Answer a question of it; False where that was not awaited, or not any more."""
        order = self.transcript.answer(number, given)
        if order is None:
            return False
        assert self._process.stdin
        with self._answering:
            try:
                self._process.stdin.write(write(order) + "\n")
                self._process.stdin.flush()
            except OSError:
                # It has ended meanwhile, and the reader tells of that.
                return False
        return True

    def give_up(self) -> None:
        """Ask it to end, as Ctrl-C does: links are put back."""
        if self._process.poll() is None:
            self.given_up = True
            # SIGINT would do nothing where the page was started in the background by a script.
            self._process.send_signal(signal.SIGTERM)

    def wait(self, timeout_s: float = ENDING_S) -> int:
        """Its exit status, once it has ended; LabError where that takes longer."""
        self._reader.join(timeout_s)
        ended = self.transcript.screen.ended
        if ended is None:
            raise LabError(
                f"the demonstration {self.name} had not ended after {timeout_s:.0f} s",
                f"It is process {self._process.pid}.",
            )
        return ended.status

    @property
    def remarks(self) -> str:
        """What it has written on standard error."""
        file = self._remarks.fileno()
        return os.pread(file, os.fstat(file).st_size, 0).decode(errors="replace")

    def _read(self) -> None:
        assert self._process.stdout
        assert self._process.stdin
        for line in self._process.stdout:
            try:
                self.transcript.enter(TELLING.read_event(line))
            except ShapeError:
                # A line that was cut short when it was interrupted.
                continue
        status = self._process.wait()
        self.transcript.end(status, Done(status, "", self.remarks).sentence)


class Demonstrating:
    """The demonstration that is given on the page: one at a time, for all viewers."""

    def __init__(self, command: Sequence[str] = COMMAND) -> None:
        self._command = command
        self.giving: Giving | None = None
        """The one under way, or else the last one."""
        self.done: threading.Event | None = None
        """Set when a viewer has seen enough of it; None where the page is there without it."""
        self._starting = threading.Lock()

    def start(self, name: str, words: Sequence[str]) -> Giving:
        """Give one; LabError where another is under way."""
        with self._starting:
            if self.giving is not None and self.giving.runs:
                raise LabError(f"the demonstration {self.giving.name} is being given")
            number = self.giving.number + 1 if self.giving else 1
            self.giving = Giving(name, words, number, self._command)
            return self.giving

    def end(self) -> None:
        """Give up the one under way, if any, and wait until it has ended."""
        if self.giving is not None and self.giving.runs:
            self.giving.give_up()
            self.giving.wait()
