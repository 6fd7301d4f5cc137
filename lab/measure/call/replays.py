"""What the ends of a call received, ready to be played again."""

from __future__ import annotations

import json
from pathlib import Path

from lab.ends import EACH_END
from lab.errors import LabError
from lab.measure.call.clocks import COMPARED, clock_between
from lab.measure.call.end_kind import EndKind
from lab.measure.call.ends import ENDS
from lab.measure.call.files import SCORES
from lab.measure.call.notes import read_notes
from lab.measure.delay import SHARED_CLOCK, packet_delays
from lab.measure.playout.replay import Voice


def call_voices(directory: Path) -> tuple[Voice, ...]:
    """Both ends of a call; LabError where its directory holds no voice."""
    notes = read_notes(directory)
    if notes.failure is not None or notes.reports is None:
        raise LabError(f"call {notes.call_id} failed, so nothing of it can be played again.")
    kind: EndKind = ENDS.named(notes.reports.kind)
    voice = kind.find_voice(directory, notes)
    spoken_ms = (notes.duration_s or 0.0) * 1000
    forth = clock_between(notes, voice)
    voices = []
    for end, sent, received, own in (
        ("caller", voice.from_callee, voice.at_caller, voice.from_caller),
        ("callee", voice.from_caller, voice.at_callee, voice.from_callee),
    ):
        clock = forth if end == "callee" or forth is SHARED_CLOCK else forth.reversed()
        delays = packet_delays(sent.taken(sent.media_ms < spoken_ms), received, clock)
        lost_pct = delays.loss_pct or 0.0
        voices.append(
            Voice(
                end=end,
                received=received,
                sent=own,
                codec=notes.coding.codec,
                least_delay_ms=delays.percentile_ms(0) if forth.basis in COMPARED else None,
                spoken_ms=spoken_ms,
                played_s=notes.plan.duration_s,
                arrived_share=1.0 - lost_pct / 100,
            )
        )
    return tuple(voices)


def recorded(directory: Path) -> dict[str, tuple[str, float | None]]:
    """By end: the buffer of its phone, and the PESQ of what it recorded, where that is kept."""
    notes = read_notes(directory)
    try:
        scores = json.loads((directory / SCORES).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {
        end: (str(notes.plan.playout), scores[end]["pesq_mos"]) for end in EACH_END if end in scores
    }
