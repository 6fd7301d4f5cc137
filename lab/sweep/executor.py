"""Who makes the calls of a run."""

from __future__ import annotations

from typing import Protocol

from lab.events import Listener
from lab.measure.record import CallRecord
from lab.sweep.plan import PlannedCall


class Executor(Protocol):
    """Makes planned calls, one at a time."""

    def execute(self, planned: PlannedCall, tell: Listener) -> CallRecord:
        """Make one call at its point and return its record, failed ones included.

        LabError where no call can be made at all; then the run stops and can be resumed.
        """
        ...
