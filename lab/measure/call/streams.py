"""What the network did to a call's voice: delay, loss, jitter, and the senders' own pace."""

from __future__ import annotations

import numpy as np

from lab.measure.arrivals import diagnose
from lab.measure.bursts import bursts
from lab.measure.call.clocks import COMPARED, clock_between, owd_error_ms
from lab.measure.call.notes import CallNotes
from lab.measure.call.voice import VoiceStreams
from lab.measure.delay import SHARED_CLOCK, PacketDelays, packet_delays
from lab.measure.jitter import running_jitter, summary
from lab.measure.pacing import sender_pacing
from lab.measure.record import CallRecord
from lab.measure.stream_report import stream_report

IN_TIME_MS = 360.0
"""What DONAR (NSDI 2022) asks of 99 % of the packets of a call: one-way delay below it."""
EARLIEST_MS = -1.0
"""No packet arrives before it was sent. A Mumble client notes the time beside the sending, and
may lose its processor in between; captures on one clock are exact."""


def note_streams(record: CallRecord, notes: CallNotes, voice: VoiceStreams) -> None:
    """Codec, delay, loss, jitter and the senders' pace of what was spoken in either direction.

    What a phone sends after its clip, until the other has hung up, is no part of the call.
    """
    record.codec_negotiated = voice.from_caller.codec.name
    spoken_ms = (notes.duration_s or 0.0) * 1000
    forth = clock_between(notes, voice)
    back = forth if forth is SHARED_CLOCK else forth.reversed()
    error_ms = owd_error_ms(notes) or 0.0
    paces = []
    for end, sent, received, clock in (
        ("callee", voice.from_caller, voice.at_callee, forth),
        ("caller", voice.from_callee, voice.at_caller, back),
    ):
        spoken = sent.taken(sent.media_ms < spoken_ms)
        paces.append(sender_pacing(spoken))
        delays = packet_delays(spoken, received, clock)
        if forth.basis in COMPARED:
            record.invalid_reasons += clock_faults(end, delays, error_ms)
        setattr(record, f"{end}_owd_ms_p50", delays.p50_ms)
        setattr(record, f"{end}_owd_ms_p95", delays.p95_ms)
        setattr(record, f"{end}_owd_ms_p99", delays.percentile_ms(99))
        setattr(record, f"{end}_owd_ms_max", delays.max_ms)
        setattr(record, f"{end}_in_time_pct", delays.within_pct(IN_TIME_MS))
        # Behind an exchange that renumbers only the receiving leg can tell what it lost.
        loss_pct = delays.loss_pct
        if loss_pct is None:
            loss_pct = stream_report(received).loss_pct
        setattr(record, f"{end}_loss_pct", loss_pct)
        jitter = summary(running_jitter(received))
        for name in ("mean", "median", "max", "range", "iqr", "std_dev"):
            setattr(record, f"{end}_jitter_{name}", getattr(jitter, name))
        if found := bursts(np.sort(received.time_ns)):
            for name, value in found.to_dict().items():
                setattr(record, f"{end}_burst_{name}", value)
        diagnosis = diagnose(received, spoken)
        setattr(record, f"{end}_arrival", diagnosis.kind)
        setattr(record, f"{end}_diagnosis", diagnosis.text)
    record.pacing_ms_p99 = max(pace.p99_ms for pace in paces)
    record.pacing_ms_max = max(pace.max_ms for pace in paces)


def clock_faults(end: str, delays: PacketDelays, error_ms: float = 0.0) -> list[str]:
    """Why the clocks of a stream's two ends are not what they were taken for; empty where they are.

    They are known to `error_ms`.
    """
    earliest_ms = delays.percentile_ms(0)
    if earliest_ms is None or earliest_ms >= EARLIEST_MS - error_ms:
        return []
    return [f"a packet reached the {end} {-earliest_ms:.1f} ms before it was sent"]
