"""The call that was started from the page: one at a time, the same for all viewers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache

from lab.events import CallBegan
from lab.events.told import Told
from lab.web.commands import Command, Done
from lab.web.hub import Hub
from lab.wire.playout import Playout


@dataclass(slots=True)
class Desk:
    """Makes calls by `lab call`, whoever asks."""

    command: Command | None = None
    """Under way; None while none is."""
    playout: Playout | None = None
    """The buffer of the call that is being made, or was made last."""
    interrupted: bool = False
    """Whether it was asked to end."""
    done: Done | None = None
    """How the last one ended."""
    made: int = 0
    """How many have ended."""
    _pid: int | None = None
    _own_call_id: str | None = None
    """The page's call that has been told to have begun."""
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def is_busy(self) -> bool:
        """Whether a call of the page's is being made, or waits for its turn."""
        return self.command is not None

    def make(self, words: tuple[str, ...], playout: Playout) -> None:
        """Begin a call, which goes on whoever looks; nothing while one is being made."""
        if self.is_busy:
            return
        self.command, self.playout, self.interrupted = Command(*words), playout, False
        task = asyncio.get_running_loop().create_task(self._make(self.command))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _make(self, command: Command) -> None:
        try:
            self.done = await command.run()
        finally:
            self._pid = command.pid
            self.command = None
            self.made += 1

    def hang_up(self) -> None:
        """End it, as Ctrl-C does."""
        if self.command is not None:
            self.interrupted = True
            self.command.interrupt()

    def playout_of(self, call_id: str, happenings: Iterable[Told]) -> Playout | None:
        """The buffer of a call under way, where it is one of the page's; None of any other.

        It is one where the process that told of its beginning is the page's command.
        """
        pid = self._pid if self.command is None else self.command.pid
        for told in happenings:
            if isinstance(told.what, CallBegan) and told.pid == pid:
                # Kept, as happenings of long ago are not.
                self._own_call_id = told.what.call_id
        return self.playout if call_id == self._own_call_id else None

    @property
    def made_call_id(self) -> str | None:
        """The call that was made last; None where it came to no record."""
        if self.done is None:
            return None
        try:
            record = json.loads(self.done.out)
        except ValueError:
            return None
        return str(record["call_id"]) if isinstance(record, dict) and "call_id" in record else None


@cache
def desk(_hub: Hub) -> Desk:
    """The one that all viewers of a hub share."""
    return Desk()
