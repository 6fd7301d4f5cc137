"""Phones: their voice is RTP, seen in captures."""

from __future__ import annotations

from lab.measure.call.coding import coding_faults, exchange_faults
from lab.measure.call.end_kind import CodedVoice, EndFigures, EndKind
from lab.measure.call.notes import CallNotes
from lab.measure.call.voice import VoiceStreams, captured_voice
from lab.wire.phone import PhoneReport


def figures(report: PhoneReport, _notes: CallNotes) -> EndFigures:
    """What a phone told of its call."""
    media, ended = report.media, report.ended
    concealed_share = held_ms = None
    lost = ended.counts.playout_frames_lost if ended else None
    if media and ended and lost is not None:
        counts = ended.counts
        frames = counts.rx_packets + counts.rx_lost
        concealed_share = min(1.0, lost / frames) if frames else 0.0
        depth_ms = media.playout.depth_ms
        if media.playout.adaptive:
            depth_ms = counts.playout_delay_ms_mean or depth_ms
        held_ms = float(media.ptime_ms + depth_ms)
    return EndFigures(
        program=report.registered.engine if report.registered else None,
        setup_ms=report.confirmed.setup_ms if report.confirmed else None,
        playout=media.playout if media else None,
        concealed_share=concealed_share,
        held_ms=held_ms,
    )


def coded(notes: CallNotes, voice: VoiceStreams) -> CodedVoice:
    """How the RTP is coded, and what of that nobody asked for."""
    faults = []
    for sender, sent in (("the caller", voice.from_caller), ("the callee", voice.from_callee)):
        faults += coding_faults(sender, notes.coding, sent)
    faults += exchange_faults(notes.exchange, notes.coding)
    sent = voice.from_caller
    return CodedVoice(sent.payload_type, sent.ptime_ms, tuple(faults))


END = EndKind("phone", PhoneReport, figures, captured_voice, coded)
