"""Mumble clients: their voice is inside TLS, so they log it themselves."""

from __future__ import annotations

from lab.measure.call import own_buffer
from lab.measure.call.end_kind import CodedVoice, EndFigures, EndKind
from lab.measure.call.notes import CallNotes
from lab.measure.call.voice import VoiceStreams, logged_voice
from lab.wire.mumble import ClientReport


def figures(report: ClientReport, notes: CallNotes) -> EndFigures:
    """What a client told of its call."""
    joined = report.joined
    program = f"lab Mumble client, {joined.opus}, {joined.tls}" if joined else None
    setup_ms = joined.setup_ms if joined else None
    return own_buffer.figures(program, setup_ms, report.left, notes)


def coded(notes: CallNotes, _voice: VoiceStreams) -> CodedVoice:
    """As the encoder was told; no capture shows more."""
    return CodedVoice(None, float(notes.coding.ptime_ms), ())


END = EndKind(
    "mumble",
    ClientReport,
    figures,
    logged_voice,
    coded,
    own_buffer.stalls,
    plays_afterwards=True,
)
