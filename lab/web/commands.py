"""What is done from the page is done by a `lab` command, as if it had been typed."""

from __future__ import annotations

import asyncio
import signal
from asyncio.subprocess import DEVNULL, PIPE, Process
from dataclasses import dataclass

from lab.command import WORDS, WRONG


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def sentence(self) -> str:
        """What it said of its end: what went wrong and what to do, or the last line it wrote."""
        lines = self.err.strip().splitlines()
        for number in reversed(range(len(lines))):
            if lines[number].startswith(WRONG):
                return " ".join(lines[number:]).removeprefix(WRONG)
        lines = lines or self.out.strip().splitlines()
        return lines[-1] if lines else f"exit status {self.status}"


class Command:
    """A `lab` command under way; the words are passed as they are, through no shell."""

    def __init__(self, *words: str) -> None:
        self.words = words
        self._process: Process | None = None
        self._task: asyncio.Task[Done] | None = None

    async def run(self) -> Done:
        """Start it and wait for its end.

        Who no longer waits leaves it under way; it ends with the event loop at the latest, which
        interrupts it as Ctrl-C does and waits until it has put back what it has begun.
        """
        self._task = asyncio.get_running_loop().create_task(self._run())
        return await asyncio.shield(self._task)

    async def _run(self) -> Done:
        process = await asyncio.create_subprocess_exec(
            *WORDS, *self.words, stdin=DEVNULL, stdout=PIPE, stderr=PIPE
        )
        self._process = process
        try:
            out, err = await process.communicate()
        except asyncio.CancelledError:
            self.interrupt()
            await process.communicate()
            raise
        return Done(
            process.returncode or 0, out.decode(errors="replace"), err.decode(errors="replace")
        )

    @property
    def is_running(self) -> bool:
        """Whether it has begun and not ended."""
        return self._process is not None and self._process.returncode is None

    @property
    def pid(self) -> int | None:
        """Of its process; None before it has one."""
        return None if self._process is None else self._process.pid

    def interrupt(self) -> None:
        """Ask it to end, as Ctrl-C does."""
        if self._process is not None and self.is_running:
            self._process.send_signal(signal.SIGINT)


async def run_lab(*words: str) -> Done:
    """Run a `lab` command to its end."""
    return await Command(*words).run()
