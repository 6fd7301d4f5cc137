"""A call over several circuits, in its record: what each path carried, and what came by it."""

from __future__ import annotations

from lab.ends import CALLEE, CALLER
from lab.measure.call.notes import CallNotes, ForwardedNotes
from lab.measure.record import CallRecord
from lab.wire.paths import SINGLE, PathsTold, PathTold


def note_forwarded(record: CallRecord, notes: CallNotes) -> None:
    """Write policy and paths into the record, and what contradicts what was asked of them.

    What came by a path to the forwarder at the caller is the caller's, what came to the one at the
    server the callee's.
    """
    plan = notes.plan
    if plan.policy == SINGLE:
        if notes.path is not None and notes.path.circuit:
            # One circuit, and two where Tor has linked them, which is no policy of the lab's.
            record.policy, record.paths = SINGLE, 1
        return
    record.policy, record.paths, record.disjoint = plan.policy, plan.paths, plan.disjoint
    record.path_circuits = {
        str(circuit.path): " ".join((circuit.after or circuit.built).path or circuit.wanted)
        for circuit in notes.circuits
        if circuit.path is not None
    }
    forwarded = notes.forwarded
    if forwarded is None:
        return
    record.paths_open_ms = forwarded.open_ms
    for end, at, sender in (
        (CALLER, forwarded.caller, forwarded.server),
        (CALLEE, forwarded.server, forwarded.caller),
    ):
        if at is not None:
            _note_arrivals(record, end, at, notes.voice_began_at)
        if at is not None and sender is not None:
            _note_lost(record, end, sender, at)
    record.invalid_reasons += _faults(forwarded)


def _note_arrivals(
    record: CallRecord, end: str, told: PathsTold, voice_began_at: float | None
) -> None:
    """What came to the forwarder on the way to that end."""
    setattr(record, f"{end}_duplicate_packets", told.duplicate_packets)
    setattr(record, f"{end}_repaired_packets", told.repaired_packets)
    given = told.given_packets
    for number, path in enumerate(told.paths, start=1):
        key = f"{end} {number}"
        if given:
            record.path_first_pct[key] = 100 * path.first_packets / given
        for name, ms in path.delay_ms.items():
            getattr(record, f"path_delay_ms_{name}")[key] = ms
        if path.ended is not None:
            record.path_ended.setdefault(str(number), _ended(path, voice_began_at))
    used = told.usage
    side = CALLER if end == CALLER else "server"
    record.forwarder_cpu_s |= {side: used["cpu_s"]} if "cpu_s" in used else {}
    record.forwarder_memory_mb |= {side: used["memory_mb"]} if "memory_mb" in used else {}


def _note_lost(record: CallRecord, end: str, sender: PathsTold, receiver: PathsTold) -> None:
    """Frames that were sent and did not come, and those that were not even sent."""
    for number, (sent, came) in enumerate(zip(sender.paths, receiver.paths, strict=True), start=1):
        key = f"{end} {number}"
        record.path_frames[key] = float(sent.sent_frames)
        record.path_lost[key] = float(sent.sent_frames - came.received_frames)
        record.path_refused[key] = float(sent.refused_frames)


def _ended(path: PathTold, voice_began_at: float | None) -> str:
    """Why a path ended, and when since the voice began, as far as that is known."""
    if voice_began_at is None or path.ended_at_s is None:
        return str(path.ended)
    return f"{path.ended}, {path.ended_at_s - voice_began_at:.1f} s after the voice began"


def _faults(forwarded: ForwardedNotes) -> list[str]:
    """What contradicts what was asked of the forwarders."""
    found = []
    for side, told in ((CALLER, forwarded.caller), ("server", forwarded.server)):
        if told is None:
            found.append(f"the forwarder at the {side} told nothing of what it carried")
            continue
        found += [
            f"the forwarder at the {side} {'set' if path.nodelay else 'did not set'} TCP_NODELAY "
            f"on path {number}, which was {'' if forwarded.nodelay else 'not '}asked for"
            for number, path in enumerate(told.paths, start=1)
            if path.nodelay is not forwarded.nodelay
        ]
    return found
