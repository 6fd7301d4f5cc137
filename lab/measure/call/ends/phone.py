"""Phones: their voice is RTP, seen in captures."""

from __future__ import annotations

from lab.measure.call.coding import coding_faults, exchange_faults
from lab.measure.call.end_kind import CodedVoice, EndFigures, EndKind
from lab.measure.call.notes import CallNotes
from lab.measure.call.voice import VoiceStreams, captured_voice
from lab.measure.playout.coded import coded_voice
from lab.measure.playout.pjmedia_buffer import BufferSettings
from lab.measure.playout.playing import play, turns_ns
from lab.measure.playout.stalls import Ledger, ledger
from lab.measure.rtp import Stream
from lab.wire.phone import Media, PhoneReport
from lab.wire.phone_profile import PhoneProfile


def figures(report: PhoneReport, notes: CallNotes) -> EndFigures:
    """What a phone told of its call."""
    media, ended = report.media, report.ended
    concealed_share = held_ms = None
    lost = ended.counts.playout_frames_lost if ended else None
    # In pauses that were left out the phone counts what it fills them with as lost.
    if media and ended and lost is not None and not notes.plan.vad:
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
        settings=_settings(media, notes.plan.phone_profile) if media else None,
        playout=media.playout if media else None,
        concealed_share=concealed_share,
        held_ms=held_ms,
    )


def _settings(media: Media, profile: PhoneProfile) -> str:
    """What a phone was set to, as it told; `profile` is whose settings these are."""
    vad = "on" if media.vad else "off"
    words = f"{profile}: voice activity detection {vad}, playout {media.playout}"
    return f"{words}, the rest as pjsua comes" if profile is PhoneProfile.STUDIES else words


def coded(notes: CallNotes, voice: VoiceStreams) -> CodedVoice:
    """How the RTP is coded, and what of that nobody asked for."""
    faults = []
    for sender, sent in (("the caller", voice.from_caller), ("the callee", voice.from_callee)):
        faults += coding_faults(sender, notes.coding, sent, notes.plan.vad)
    faults += exchange_faults(notes.exchange, notes.coding)
    sent = voice.from_caller
    return CodedVoice(sent.payload_type, sent.ptime_ms, tuple(faults))


def stalls(notes: CallNotes, received: Stream, sent: Stream, spoken_ms: float) -> Ledger:
    """What pjmedia's buffer, set as it was, made of what came."""
    voice = coded_voice(received, notes.coding.codec, payload=False)
    playout = notes.plan.playout
    settings = BufferSettings.of(playout, voice.frame_ms, voice.ptime_ms)
    return ledger(play(voice, settings, turns_ns(voice, sent)), str(playout), spoken_ms)


END = EndKind("phone", PhoneReport, figures, captured_voice, coded, stalls)
