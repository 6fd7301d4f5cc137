"""What the telephone exchange did to a call's voice, in its record."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lab.measure.call.notes import CallNotes
from lab.measure.call.path import EndNotes
from lab.measure.call.voice import VoiceStreams
from lab.measure.capture import read_capture
from lab.measure.passage import passage
from lab.measure.record import CallRecord
from lab.measure.rtp import Stream, streams

CALLER_LEG, CALLEE_LEG = "pbx-caller", "pbx-callee"
"""The measuring points on both sides of the PBX."""


def note_exchange(
    record: CallRecord, notes: CallNotes, directory: Path, voice: VoiceStreams
) -> None:
    """Write into the record how voice passed the PBX, if the call was captured there.

    LabError where a capture cannot be read.
    """
    files = {point.name: directory / point.file for point in notes.points}
    if not {CALLER_LEG, CALLEE_LEG} <= files.keys():
        return
    caller_leg, callee_leg = (streams(read_capture(files[leg])) for leg in (CALLER_LEG, CALLEE_LEG))
    path, said = notes.arrived, []
    for end, came, left in (
        (
            "callee",
            _of_call(caller_leg, voice.from_caller, source=path.caller),
            _of_call(callee_leg, voice.at_callee, destination=path.callee),
        ),
        (
            "caller",
            _of_call(callee_leg, voice.from_callee, source=path.callee),
            _of_call(caller_leg, voice.at_caller, destination=path.caller),
        ),
    ):
        if came is None or left is None:
            said.append("not matched: the PBX was not seen to pass voice on")
            continue
        passed = passage(came, left)
        said.append(passed.matched_by)
        for name, value in passed.to_dict().items():
            setattr(record, f"pbx_to_{end}_{name}", value)
    record.pbx_matched_by = " and ".join(dict.fromkeys(said))


def _of_call(
    found: Sequence[Stream],
    same: Stream,
    source: EndNotes | None = None,
    destination: EndNotes | None = None,
) -> Stream | None:
    """On a leg the stream that `same` is at the end of the call, by its SSRC and its address."""
    return next(
        (
            stream
            for stream in found
            if stream.ssrc == same.ssrc
            and (source is None or stream.source == source.address)
            and (destination is None or stream.destination == destination.address)
        ),
        None,
    )
