"""What bandwidth a call's way had left, in its record; the call's own verdict is not touched."""

from __future__ import annotations

from lab.ends import CALLER
from lab.measure.call.notes import CallNotes
from lab.measure.record import CallRecord


def note_available(record: CallRecord, notes: CallNotes) -> None:
    """Write both directions into the record, and why there is none of one."""
    watch = notes.available
    if watch is None:
        return
    strayed = _strayed(notes)
    record.available_reason = watch.reason or strayed
    if strayed is None:
        record.available_kbps_down, record.available_kbps_up = watch.down_kbps, watch.up_kbps
        if watch.program is not None:
            record.versions["iperf3"] = watch.program.removeprefix("iperf ")


def _strayed(notes: CallNotes) -> str | None:
    """What contradicts that it was measured on the call's own circuit; None where nothing does."""
    state = notes.available and notes.available.circuit
    wanted = next((each.wanted for each in notes.circuits if each.end == CALLER), None)
    if not state or wanted is None:
        return None
    return "; ".join(state.faults(wanted)) or None
