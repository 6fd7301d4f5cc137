"""Who makes the calls of a run."""

from __future__ import annotations

from typing import Protocol

from lab.events import Listener
from lab.measure.record import CallRecord
from lab.sweep.asked import note_asked
from lab.sweep.plan import PlannedCall


class Executor(Protocol):
    """Makes planned calls, one at a time."""

    def execute(self, planned: PlannedCall, tell: Listener) -> CallRecord:
        """Make one call at its point and return its record, failed ones included.

        LabError where no call can be made at all; then the run stops and can be resumed.
        """
        ...


def note_point(record: CallRecord, planned: PlannedCall) -> None:
    """Write into a record where in the plan it belongs, and what was asked for there."""
    record.point_id, record.point_call = planned.point.point_id, planned.number
    note_asked(record, planned.point)
