"""The processor time of the host and of every node during a call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from threading import Lock, Timer

from lab.engine.client import connect
from lab.engine.host import read_cpu_times
from lab.engine.usage import begin_reading
from lab.lifecycle.ready import ReadyLab
from lab.measure.call.notes import CallNotes
from lab.measure.host_load import NodeUsage

Reading = Callable[[], Mapping[str, NodeUsage]]
"""Waits for the readings of all nodes."""


class Processors:
    """Reads before and after a call.

    Docker takes a second for a reading. So that nobody waits for the last one, it begins when the
    clip has been played, before both ends have heard it and hung up.
    """

    def __init__(self, lab: ReadyLab, duration_s: float) -> None:
        """The call begins now, and plays for so long."""
        self._client = connect()
        self._lab = lab
        self._before = begin_reading(self._client, lab.running)
        self._after: Reading | None = None
        self._one_begins = Lock()
        self._host_before = self._host_after = read_cpu_times()
        self._played = Timer(duration_s, self._read_again)
        self._played.daemon = True
        self._played.start()

    def end(self) -> None:
        """The call is over."""
        self._host_after = read_cpu_times()
        self._played.cancel()
        self._read_again()

    def note(self, notes: CallNotes) -> None:
        """Wait for the readings, and write them into the notes, unless they are there."""
        notes.host = self._host_before, self._host_after
        if self._after is not None and notes.usage is None:
            notes.usage = self._before(), self._after()

    def _read_again(self) -> None:
        """Begin the last reading, unless it has begun."""
        with self._one_begins:
            if self._after is None:
                self._after = begin_reading(self._client, self._lab.running)
