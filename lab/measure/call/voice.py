"""The voice of a call: both directions, each as sent and as received."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

from lab.errors import LabError
from lab.measure.call.notes import CallNotes
from lab.measure.call.path import EndNotes
from lab.measure.capture import Capture, read_capture
from lab.measure.mumble_packets import read_mumble_log
from lab.measure.rtp import Stream, streams
from lab.measure.rtp_log import read_rtp_logs


@dataclass(frozen=True, slots=True)
class VoiceStreams:
    """The four streams of a call."""

    from_caller: Stream
    at_callee: Stream
    from_callee: Stream
    at_caller: Stream


def captured_voice(directory: Path, notes: CallNotes) -> VoiceStreams:
    """The call's RTP in the captures at both ends; LabError where one is not there."""
    path = notes.arrived
    at_caller, at_callee = (
        streams(end_capture(directory, notes, end)) for end in (path.caller, path.callee)
    )
    home, office = path.caller.address, path.callee.address
    return VoiceStreams(
        from_caller=_only(at_caller, "the caller sent", source=home),
        at_callee=_only(at_callee, "the callee received", destination=office),
        from_callee=_only(at_callee, "the callee sent", source=office),
        at_caller=_only(at_caller, "the caller received", destination=home),
    )


def logged_voice(directory: Path, notes: CallNotes) -> VoiceStreams:
    """The voice packets as the clients logged them; LabError where a log is not there."""
    path = notes.arrived
    home, office = path.caller.address, path.callee.address

    def stream(log: str, source: IPv4Address, destination: IPv4Address) -> Stream:
        file = directory / f"{log}.csv"
        return read_mumble_log(file, source, destination, notes.coding.ptime_ms)

    return VoiceStreams(
        from_caller=stream("caller-sent", home, office),
        at_callee=stream("callee-received", home, office),
        from_callee=stream("callee-sent", office, home),
        at_caller=stream("caller-received", office, home),
    )


def logged_rtp(directory: Path, notes: CallNotes) -> VoiceStreams:
    """The headers of RTP as the phones logged them; LabError where a log is not there."""
    path, ptime_ms = notes.arrived, notes.coding.ptime_ms
    home, office = path.caller.address, path.callee.address

    def streams_of(
        speaker: str, hearer: str, source: IPv4Address, destination: IPv4Address
    ) -> tuple[Stream, Stream]:
        sent, received = directory / f"{speaker}-sent.csv", directory / f"{hearer}-received.csv"
        return read_rtp_logs(sent, received, source, destination, ptime_ms)

    from_caller, at_callee = streams_of("caller", "callee", home, office)
    from_callee, at_caller = streams_of("callee", "caller", office, home)
    return VoiceStreams(from_caller, at_callee, from_callee, at_caller)


def end_capture(directory: Path, notes: CallNotes, end: EndNotes) -> Capture:
    """The capture with an end's voice in the clear; LabError where it is not there."""
    point = notes.point(end.point)
    if point is None:
        raise LabError(f"nothing was captured at {end.point}, where the voice of {end.node} is")
    return read_capture(directory / point.file)


def _only(
    found: Sequence[Stream],
    what: str,
    source: IPv4Address | None = None,
    destination: IPv4Address | None = None,
) -> Stream:
    matching = [
        stream
        for stream in found
        if source in (None, stream.source) and destination in (None, stream.destination)
    ]
    if not matching:
        raise LabError(f"the capture holds no voice that {what}")
    return max(matching, key=len)
