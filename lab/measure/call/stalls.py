"""The stalls of a call: what either end's buffer made of what came, and totals in the record."""

from __future__ import annotations

from typing import Any

from lab.errors import LabError
from lab.measure.call.end_kind import EndKind
from lab.measure.call.notes import CallNotes
from lab.measure.call.voice import VoiceStreams
from lab.measure.playout.stalls import Ledger
from lab.measure.record import CallRecord

TOTALS = ("stalls", "stall_ms_total", "stall_ms_max", "late_pct")


def note_stalls(
    record: CallRecord, notes: CallNotes, voice: VoiceStreams, kind: EndKind
) -> dict[str, Any]:
    """Write the totals of both ends into the record; returns the whole ledgers by end.

    Nothing where what the ends spoke cannot be taken apart into frames.
    """
    spoken_ms = (notes.duration_s or 0.0) * 1000
    ledgers: dict[str, Ledger] = {}
    for end, received, sent in (
        ("caller", voice.at_caller, voice.from_caller),
        ("callee", voice.at_callee, voice.from_callee),
    ):
        try:
            ledgers[end] = kind.stalls(notes, received, sent, spoken_ms)
        except LabError:
            return {}
    for end, found in ledgers.items():
        for name in TOTALS:
            setattr(record, f"{end}_{name}", found.to_dict()[name])
    both = ledgers.values()
    record.stalls = sum(len(found.stalls) for found in both)
    record.stall_ms_total = sum(found.ms_total for found in both)
    record.stall_ms_max = max(found.ms_max for found in both)
    record.late_pct = max(found.late_pct for found in both)
    return {end: found.to_dict() for end, found in ledgers.items()}
