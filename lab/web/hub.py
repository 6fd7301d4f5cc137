"""One listener of a lab's stream for all viewers of the page."""

from __future__ import annotations

import logging
import threading
import time
from contextlib import closing

from docker import DockerClient
from docker.errors import DockerException
from requests.exceptions import RequestException

from lab.engine.discovery import find_lab, find_labs
from lab.engine.owners import is_mine
from lab.errors import LabError, sentence_of
from lab.events.at_work import is_at_work
from lab.watching.watch import watch
from lab.web.demonstrations.giving import Demonstrating
from lab.web.now import LabNow

log = logging.getLogger(__name__)

COUNTERS_S = 1.0
"""From one reading of the links' counters to the next."""
LIVES_S = 1.0
"""From one look at whether who calls is still at work to the next."""
AGAIN_S = 1.0
"""Until a lab that is not up is looked for again."""


class Hub:
    """Follows a lab: the one that is named, or the first of this user; waits for it where none is.

    `now` is changed by the hub's own thread alone; a viewer reads it, and looks again when
    `version` has changed.
    """

    def __init__(self, client: DockerClient, name: str | None) -> None:
        self.client = client
        self.name = name
        self.now = LabNow(lab=name)
        self.version = 0
        self.trouble: str | None = None
        """Why nothing is followed at the moment, a sentence; None where a lab is."""
        self.demonstrating = Demonstrating()
        self._left = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)

    def start(self) -> None:
        """Begin to follow."""
        self._thread.start()

    def stop(self) -> None:
        """End it; the thread ends with its next happening."""
        self._left.set()

    def join(self, deadline_s: float) -> None:
        """Wait for the end of the thread, but no longer than that."""
        self._thread.join(deadline_s)

    def labs(self) -> list[str]:
        """This user's labs that are up."""
        return sorted(lab.name for lab in find_labs(self.client) if is_mine(lab.owner))

    def _follow(self) -> None:
        while not self._left.is_set():
            try:
                self._follow_once()
            except (LabError, DockerException, RequestException) as error:
                self.trouble = sentence_of(error)
                self.version += 1
            self._left.wait(AGAIN_S)

    def _follow_once(self) -> None:
        name = self.name or next(iter(self.labs()), None)
        if name is None:
            raise LabError("no lab is up", "`lab up` brings one up; this page follows it.")
        with closing(watch(self.client, find_lab(self.client, name), COUNTERS_S)) as stream:
            look_at = 0.0
            for told in stream:
                self.trouble = None
                self.now.enter(told)
                if time.monotonic() > look_at:
                    look_at = time.monotonic() + LIVES_S
                    self.now.forget_who_has_ended(is_at_work)
                self.version += 1
                if self._left.is_set():
                    return
