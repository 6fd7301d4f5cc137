"""What was broken during a call: what the call asked for is measured, all else spoils it."""

from __future__ import annotations

from lab.measure.call.notes import CallNotes
from lab.measure.call.watches import FaultWatch
from lab.measure.record import CallRecord
from lab.wire.faults import BY_HAND, KILL

SLACK_S = 0.25
"""So far a fault may begin, or last, beside what was asked: five packets of a voice that is heard
again, or not, and more than whoever begins and ends it takes on a busy host."""
START_S = 15.0
"""What a node that was killed may take to be started again, beyond its time."""


def note_faults(record: CallRecord, notes: CallNotes) -> None:
    """Write into the record what was broken, and why the call is not what was asked for."""
    for watch in notes.faults:
        record.faults.append(in_words(watch, notes.voice_began_at))
        record.invalid_reasons += fault_faults(watch, notes.voice_began_at)


def broken_on_purpose(notes: CallNotes) -> set[str]:
    """The nodes that the call had killed itself."""
    return {
        watch.node
        for watch in notes.faults
        if watch.kind == KILL and watch.asked_at_s is not None and watch.began_at is not None
    }


def in_words(watch: FaultWatch, voice_began_at: float | None) -> str:
    """What was broken, from when to when since the voice began, and what became of it."""
    what = f"{watch.place} {watch.past}"
    if watch.loss_pct is not None:
        what += f" ({watch.loss_pct:g} %)"
    if watch.began_at is None:
        return f"{what}: did not come about"
    words = f"{what} {_when(watch, voice_began_at)}"
    words += "" if watch.lost is None else f", {watch.lost} packets lost"
    return words if watch.asked_at_s is not None else f"{words}, {_by(watch)}"


def _by(watch: FaultWatch) -> str:
    """Whose fault one was that the call had not asked for."""
    if watch.by is None:
        return "which the call had not asked for"
    return "by hand" if watch.by == BY_HAND else f"left by call {watch.by}"


def _when(watch: FaultWatch, voice_began_at: float | None) -> str:
    """Since the voice began; where it never did, since nothing that is known."""
    assert watch.began_at is not None
    if voice_began_at is None:
        return "while the call was made"
    began_s = watch.began_at - voice_began_at
    since = "since before the voice began" if began_s < 0 else f"from {began_s:.2f} s"
    if watch.ended_at is None:
        return f"{since} on"
    return f"{since} to {watch.ended_at - voice_began_at:.2f} s"


def fault_faults(watch: FaultWatch, voice_began_at: float | None) -> list[str]:
    """Why the call did not meet what was asked for, and nothing else; empty where it did."""
    if watch.asked_at_s is None:
        return [in_words(watch, voice_began_at)]
    asked = f"the fault of {watch.place} ({watch.kind})"
    if watch.failure is not None:
        return [f"{asked} did not go as asked: {watch.failure}"]
    if watch.began_at is None or voice_began_at is None:
        return [f"{asked} did not come: the call was over before {watch.asked_at_s:g} s of voice"]
    found = []
    late_s = watch.began_at - voice_began_at - watch.asked_at_s
    if abs(late_s) > SLACK_S:
        found.append(f"{asked} came {late_s:.2f} s late")
    if watch.asked_for_s is not None and watch.ended_at is not None:
        beyond_s = watch.ended_at - watch.began_at - watch.asked_for_s
        most_s = START_S if watch.kind == KILL else SLACK_S
        if not -SLACK_S <= beyond_s <= most_s:
            lasted_s = watch.ended_at - watch.began_at
            found.append(f"{asked} lasted {lasted_s:.2f} s, not {watch.asked_for_s:g} s")
    return found
