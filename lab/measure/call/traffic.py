"""What a call costs at every measuring point, and what went where nothing may go."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address
from pathlib import Path

import numpy as np

from lab.errors import LabError
from lab.measure.bandwidth import Between, begun_connections, media_window, rate_kbps
from lab.measure.call.notes import CallNotes
from lab.measure.call.voice import VoiceStreams
from lab.measure.capture import Capture, read_capture
from lab.measure.record import CallRecord

HOME_POINT = "access"
"""The measuring point at which all that leaves the caller's machine is seen."""


def note_bandwidth(
    record: CallRecord, notes: CallNotes, directory: Path, voice: VoiceStreams
) -> None:
    """kbit/s at every measuring point, over the time in which both directions flowed."""
    window = media_window((voice.from_caller, voice.at_caller))
    for point in notes.points:
        counted = point.counted
        if counted is None:
            continue
        capture = read_capture(directory / point.file)
        own = begun_connections(capture) if counted.begun_only else None
        rate = rate_kbps(capture, Between.hosts(counted.near, counted.far), window, among=own)
        forth, back = rate.near_to_far, rate.far_to_near
        if not counted.near_is_caller:
            forth, back = back, forth
        for level in counted.levels:
            setattr(record, f"kbps_{point.name}_{level}", getattr(forth, f"{level}_kbps"))
            setattr(record, f"kbps_{point.name}_{level}_back", getattr(back, f"{level}_kbps"))


def strayed_faults(notes: CallNotes, directory: Path) -> list[str]:
    """Why the call did not keep to its circuit; empty where it did, or needed not to."""
    path = notes.path
    if path is None or not path.closed:
        return []
    point = next((point for point in notes.points if point.name == HOME_POINT), None)
    if point is None:
        return []
    try:
        capture = read_capture(directory / point.file)
    except LabError as error:
        return [f"whether packets went past Tor cannot be told: {error.message}"]
    past = packets_between(capture, path.caller.home, path.closed)
    return [f"{past} packets went to {path.server.node}'s machine past Tor"] if past else []


def packets_between(capture: Capture, one: IPv4Address, others: Sequence[IPv4Address]) -> int:
    """How many packets went between one address and any of the others, either way."""
    out, back = Between(frozenset({one}), frozenset(others)).directions(capture)
    return int(np.sum(out | back))
