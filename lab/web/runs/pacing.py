"""How long a run that is under way still takes, as its own journal tells."""

from __future__ import annotations

from datetime import timedelta

from lab.events import RunAdvanced, RunBegan
from lab.events.following import Follower
from lab.events.journal import run_journal
from lab.sweep.pace import time_left


class Pacing:
    """Follows what one process tells of a run; only what has been added is read again."""

    def __init__(self, run_id: str, pid: int) -> None:
        self._follower = Follower(run_journal(run_id))
        self.pid = pid
        self._first: tuple[float, int] | None = None
        """The oldest that is kept: when, in Unix seconds, and how many calls were made by then."""
        self._last: tuple[float, RunAdvanced] | None = None

    def time_left(self) -> timedelta | None:
        """As of the end of the last call; None until one has been made."""
        for told in self._follower.new():
            if told.pid != self.pid:
                continue
            match told.what:
                case RunBegan(made=made):
                    self._first, self._last = (told.at, made), None
                case RunAdvanced() as run if self._first is None:
                    # What came before has been cut off the journal.
                    self._first = (told.at, run.made)
                case RunAdvanced() as run:
                    self._last = (told.at, run)
        if self._first is None or self._last is None:
            return None
        (began, made_before), (at, run) = self._first, self._last
        return time_left(at - began, run.made - made_before, run.made, run.valid, run.still_wanted)
