"""The processor time of the host and of every node during a call."""

from __future__ import annotations

from lab.engine.client import connect
from lab.engine.host import read_cpu_times
from lab.engine.usage import begin_reading
from lab.lifecycle.ready import ReadyLab
from lab.measure.call.notes import CallNotes


class Processors:
    """Read from its making to `end`; Docker takes a second for a reading, which nobody awaits."""

    def __init__(self, lab: ReadyLab) -> None:
        self._client = connect()
        self._lab = lab
        self._usage_before = self._usage_after = begin_reading(self._client, lab.running)
        self._host_before = self._host_after = read_cpu_times()

    def end(self) -> None:
        """The call is over."""
        self._host_after = read_cpu_times()
        self._usage_after = begin_reading(self._client, self._lab.running)

    def note(self, notes: CallNotes) -> None:
        """Wait for the readings, and write them into the notes."""
        notes.host = self._host_before, self._host_after
        notes.usage = self._usage_before(), self._usage_after()
