"""What a call costs at every measuring point, and what went where nothing may go."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from dataclasses import replace
from ipaddress import IPv4Address
from pathlib import Path

import numpy as np

from lab.errors import LabError
from lab.measure.bandwidth import Between, begun_connections, media_window, rate_kbps
from lab.measure.call.notes import CallNotes
from lab.measure.call.path import EndNotes
from lab.measure.call.voice import VoiceStreams
from lab.measure.capture import Capture, read_capture
from lab.measure.record import CallRecord

HOME_POINT, CALLEE_HOME_POINT = "access", "callee_access"
"""The measuring points at which all that leaves the machine of an end is seen."""


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
        between = Between.hosts(counted.near, counted.far)
        if counted.also_far:
            between = replace(between, far=between.far | frozenset(counted.also_far))
        rate = rate_kbps(capture, between, window, among=own)
        forth, back = rate.near_to_far, rate.far_to_near
        if not counted.near_is_caller:
            forth, back = back, forth
        for level in counted.levels:
            setattr(record, f"kbps_{point.name}_{level}", getattr(forth, f"{level}_kbps"))
            setattr(record, f"kbps_{point.name}_{level}_back", getattr(back, f"{level}_kbps"))


def strayed_faults(notes: CallNotes, directory: Path) -> list[str]:
    """Why the call did not keep to its circuit; empty where it did, or needed not to."""
    path = notes.path
    if path is None:
        return []
    faults = _strayed(notes, directory, HOME_POINT, path.caller, path.closed)
    if path.no_udp:
        faults += _udp_faults(notes, directory)
    if path.callee_leg is not None:
        closed = path.callee_leg.closed
        told = _strayed(notes, directory, CALLEE_HOME_POINT, path.callee, closed)
        faults += [f"at the callee {fault}" for fault in told]
    return faults


def _strayed(
    notes: CallNotes,
    directory: Path,
    home_point: str,
    end: EndNotes,
    closed: Sequence[IPv4Address],
) -> list[str]:
    """What went between the home of an end and addresses that are closed to it."""
    point = notes.point(home_point)
    if point is None or not closed:
        return []
    try:
        capture = read_capture(directory / point.file)
    except LabError as error:
        return [f"whether packets went past Tor cannot be told: {error.message}"]
    past = packets_between(capture, end.home, closed)
    return (
        [f"{past} packets went to {notes.arrived.server.node}'s machine past Tor"] if past else []
    )


def _udp_faults(notes: CallNotes, directory: Path) -> list[str]:
    """Which end's machine exchanged UDP with anybody, be it media, STUN or anything else."""
    faults = []
    for end in (notes.arrived.caller, notes.arrived.callee):
        point = notes.point(end.point)
        if point is None or end.home.is_loopback:
            # On loopback of a server's machine the servers there talk by UDP.
            continue
        try:
            capture = read_capture(directory / point.file)
        except LabError as error:
            faults.append(f"whether UDP left {end.node} cannot be told: {error.message}")
            continue
        own = frozenset({end.home})
        touching = capture.touching(own, capture.source) | capture.touching(
            own, capture.destination
        )
        if packets := int(np.sum(touching & (capture.protocol == socket.IPPROTO_UDP))):
            faults.append(f"{packets} packets of UDP at {end.node}, whose voice is in TCP alone")
    return faults


def packets_between(capture: Capture, one: IPv4Address, others: Sequence[IPv4Address]) -> int:
    """How many packets went between one address and any of the others, either way."""
    out, back = Between(frozenset({one}), frozenset(others)).directions(capture)
    return int(np.sum(out | back))
