"""WebRTC phones: their voice is inside SRTP and TCP, so they log its headers themselves."""

from __future__ import annotations

import re
from typing import Any

from lab.ends import EACH_END
from lab.measure.call import own_buffer
from lab.measure.call.end_kind import CodedVoice, EndFigures, EndKind
from lab.measure.call.notes import CallNotes
from lab.measure.call.voice import VoiceStreams, logged_rtp
from lab.wire.plain import from_plain
from lab.wire.webrtc import WebrtcReport

RELAYED = "relay"
_CANDIDATE = re.compile(r"^a=candidate:.* typ (\w+)", re.MULTILINE)
"""RFC 8839, 5.1."""


def figures(report: WebrtcReport, notes: CallNotes) -> EndFigures:
    """What a phone told of its call."""
    connected = report.connected
    program = setup_ms = None
    if connected is not None:
        program = f"lab WebRTC phone, {connected.engine}, {connected.opus}, {connected.srtp}"
        setup_ms = connected.setup_ms
    return own_buffer.figures(program, setup_ms, report.left, notes)


def coded(notes: CallNotes, _voice: VoiceStreams) -> CodedVoice:
    """As the encoder was told, and what of the agreement nobody asked for."""
    assert notes.reports
    faults: list[str] = []
    for end in EACH_END:
        told: Any = getattr(notes.reports, end)
        faults += agreement_faults(end, from_plain(WebrtcReport, told), fec=notes.plan.fec)
    return CodedVoice(None, float(notes.coding.ptime_ms), tuple(faults))


def agreement_faults(end: str, report: WebrtcReport, *, fec: bool) -> list[str]:
    """Why what a phone offered and agreed on is not what was asked; empty where it is."""
    faults = []
    offered = set(_CANDIDATE.findall(report.described.sdp)) if report.described else set()
    if others := sorted(offered - {RELAYED}):
        faults.append(f"the {end} offered to be reached past the TURN server: {', '.join(others)}")
    if report.connected and report.connected.peer_fec != fec:
        agreed = "on" if report.connected.peer_fec else "off"
        faults.append(f"in-band FEC of what the {end} said was agreed to be {agreed}")
    return faults


END = EndKind(
    "webrtc",
    WebrtcReport,
    figures,
    logged_rtp,
    coded,
    own_buffer.stalls,
    plays_afterwards=True,
)
