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


def note_point(record: CallRecord, planned: PlannedCall) -> None:
    """Write into a record where in the plan it belongs."""
    point = planned.point
    record.point_id, record.point_call = point.point_id, planned.number
    record.direction = point.direction
    record.placement = point.placement
    if record.link_point is None:
        # Not read from the kernel: the call did not come so far.
        record.link_rate_kbps = point.rate_kbps or record.link_rate_kbps
        record.queue_packets = point.queue_packets
    record.load_kind = None if point.load_kind == "none" else point.load_kind
    record.load_count = point.load_count
    record.load_through = point.load_through
