"""The `lab` commands that were started from the page and take long; every viewer sees them."""

from __future__ import annotations

import asyncio
from collections import deque

from lab.web.commands import Command, Done

KEPT = 5
"""Ended ones that are still shown."""


class Job:
    """One such command."""

    def __init__(self, *words: str, run_id: str | None = None) -> None:
        self.words = words
        self.run_id = run_id
        """The run that it goes on with; None of one that begins a run."""
        self.done: Done | None = None
        """How it ended; None while it is under way."""
        self.interrupted = False
        """Whether somebody has asked for its end."""
        self._command = Command(*words)

    @property
    def typed(self) -> str:
        """What would be typed to start it."""
        return " ".join(("lab", *self.words))

    @property
    def pid(self) -> int | None:
        """Its process; None before it has begun."""
        return self._command.pid

    @property
    def said(self) -> str:
        """What it said of its end: what went wrong and what to do, or its last line."""
        return "" if self.done is None else self.done.sentence

    async def run(self) -> Done:
        """Start it and wait for its end."""
        return await self._command.run()

    def interrupt(self) -> None:
        """Ask it to end, as Ctrl-C does; it puts back first what it has begun."""
        self.interrupted = True
        self._command.interrupt()


class Jobs:
    """Starts them, and keeps those that have ended last."""

    def __init__(self) -> None:
        self.under_way: list[Job] = []
        self.ended: deque[Job] = deque(maxlen=KEPT)
        self.version = 0
        """Changes when one begins, is asked to end, or has ended."""
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, job: Job) -> None:
        """Have it under way; it goes on though its viewer leaves, and ends with the page."""
        self.under_way.insert(0, job)
        self.version += 1
        task = asyncio.get_running_loop().create_task(self._run(job))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def interrupt(self, job: Job) -> None:
        """Ask it to end."""
        job.interrupt()
        self.version += 1

    async def _run(self, job: Job) -> None:
        try:
            job.done = await job.run()
        finally:
            self.under_way.remove(job)
            self.ended.appendleft(job)
            self.version += 1
