"""From what a call left behind, captures and recordings, to the figures of its record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import Any

from lab.calls.emulation_check import clock_doubts
from lab.calls.observe.probes import Readings
from lab.calls.paths.base import VoicePath
from lab.calls.voice_streams import VoiceStreams
from lab.clip.fitness import ceiling_mos
from lab.engine.usage import Usage
from lab.lifecycle.ready import ReadyLab
from lab.measure.bandwidth import Between, begun_connections, media_window, rate_kbps
from lab.measure.capture import read_capture
from lab.measure.delay import packet_delays
from lab.measure.jitter import running_jitter, summary
from lab.measure.pacing import sender_pacing
from lab.measure.record import CallRecord
from lab.measure.score import Score, Window, score
from lab.measure.stream_report import stream_report


def note_readings(record: CallRecord, readings: Readings) -> None:
    """What the probes told: round trips and packets the kernel dropped from captures."""
    dropped = [counts.dropped for counts in readings.captures.values()]
    record.capture_drops = sum(count or 0 for count in dropped) if dropped else None
    if readings.timer:
        record.scheduling_ms_p99 = readings.timer.p99_ms
        record.scheduling_ms_max = readings.timer.max_ms
        record.clock_shift_ms = readings.timer.clock_shift_ms
    ping = readings.ping
    if ping and ping.sent:
        record.rtt_lost_pct = 100 * (1 - (ping.received or 0) / ping.sent)
        record.rtt_ms = median(ping.rtt_ms) if ping.rtt_ms else None


def note_usage(record: CallRecord, before: Mapping[str, Usage], after: Mapping[str, Usage]) -> None:
    """Which node was nearest to the limit of one processor."""
    shares = {
        name: 100 * (after[name].cpu_s - before[name].cpu_s) / wall_s
        for name in before.keys() & after.keys()
        if (wall_s := after[name].at_s - before[name].at_s) > 0
    }
    if shares:
        record.busiest_node = max(shares, key=lambda name: shares[name])
        record.busiest_node_cpu_pct = shares[record.busiest_node]


def note_streams(record: CallRecord, voice: VoiceStreams, duration_s: float) -> None:
    """Codec, delay, loss, jitter and the senders' pace, of the first `duration_s` of either side.

    What a phone sends after that, until the other has hung up, is no part of the call.
    """
    record.codec_negotiated = voice.from_caller.codec.name
    paces = []
    for end, sent, received in (
        ("callee", voice.from_caller, voice.at_callee),
        ("caller", voice.from_callee, voice.at_caller),
    ):
        spoken = sent.taken(sent.media_ms < duration_s * 1000)
        paces.append(sender_pacing(spoken))
        delays = packet_delays(spoken, received)
        record.invalid_reasons += clock_doubts(end, delays)
        setattr(record, f"{end}_owd_ms_p50", delays.p50_ms)
        setattr(record, f"{end}_owd_ms_p95", delays.p95_ms)
        setattr(record, f"{end}_owd_ms_max", delays.max_ms)
        # Behind an exchange that renumbers only the receiving leg can tell what it lost.
        loss_pct = delays.loss_pct
        if loss_pct is None:
            loss_pct = stream_report(received).loss_pct
        setattr(record, f"{end}_loss_pct", loss_pct)
        jitter = summary(running_jitter(received))
        for name in ("mean", "median", "max", "range", "iqr", "std_dev"):
            setattr(record, f"{end}_jitter_{name}", getattr(jitter, name))
    record.pacing_ms_p99 = max(pace.p99_ms for pace in paces)
    record.pacing_ms_max = max(pace.max_ms for pace in paces)


def note_bandwidth(
    record: CallRecord, directory: Path, lab: ReadyLab, path: VoicePath, voice: VoiceStreams
) -> None:
    """kbit/s at every named point, over the time in which both directions flowed."""
    window = media_window((voice.from_caller, voice.at_caller))
    home = lab.caller.links[0].address
    points = {
        "access": Between.hosts(home, path.next_hop),
        # Whoever speaks to the server there: an exit relay, or the caller itself.
        "exit": Between.hosts(path.server_address),
    }
    if path.tunnelled:
        points["tunnel"] = Between.hosts(path.caller_address)
    for point, between in points.items():
        capture = read_capture(directory / f"{point}.pcap")
        # A Mumble call opens its connection while captures run; its competitors did so before.
        own = begun_connections(capture) if point == "exit" and path.client_connects else None
        rate = rate_kbps(capture, between, window, among=own)
        forward, back = rate.near_to_far, rate.far_to_near
        if point == "exit":
            forward, back = back, forward
        for level in ("ip", "eth") if point != "tunnel" else ("ip",):
            setattr(record, f"kbps_{point}_{level}", getattr(forward, f"{level}_kbps"))
            setattr(record, f"kbps_{point}_{level}_back", getattr(back, f"{level}_kbps"))


def note_scores(
    record: CallRecord, directory: Path, reference: Path, played_s: float | None
) -> dict[str, Any]:
    """PESQ and damage of both recordings; returns the whole scores by end.

    `played_s` is how long the clip was played where that is not once. What another playout made
    of the same packets (`caller-adaptive.wav`) is scored beside them. A recording that is not
    the clip makes the call invalid, but for what the network lost on the way to that end.
    """
    record.pesq_ceiling_mos = ceiling_mos(reference, record.codec, record.bitrate_kbps, played_s)

    def scored(end: str) -> Score:
        arrived = 1.0 - (getattr(record, f"{end}_loss_pct") or 0.0) / 100
        return score(reference, directory / f"{end}.wav", played_s, arrived)

    ends = ("caller", "callee")
    with ThreadPoolExecutor(max_workers=len(ends)) as pool:
        results = list(pool.map(scored, ends))
    details = {}
    for end, result in zip(ends, results, strict=True):
        _note_windows(record, end, result.windows)
        details[end] = result.to_dict()
        setattr(record, f"{end}_pesq_raw", result.pesq_raw)
        setattr(record, f"{end}_pesq_mos", result.pesq_mos)
        setattr(record, f"{end}_missing_share", result.damage.missing_share)
        setattr(record, f"{end}_longest_gap_ms", result.damage.longest_gap_ms)
        if not result.valid:
            record.invalid_reasons += [f"{end}'s recording: {text}" for text in result.reasons]
    for other in sorted(directory.glob("call*-*.wav")):
        details[other.stem] = score(reference, other, played_s).to_dict()
    return details


def _note_windows(record: CallRecord, end: str, windows: Sequence[Window]) -> None:
    """What the series of a long call's windows is about, in a few figures."""
    if not windows:
        return
    scores = [window.pesq_mos for window in windows if window.pesq_mos is not None]
    setattr(record, f"{end}_windows", len(windows))
    setattr(record, f"{end}_windows_lost", len(windows) - len(scores))
    if scores:
        setattr(record, f"{end}_window_mos_min", min(scores))
        setattr(record, f"{end}_window_mos_p50", median(scores))
        setattr(record, f"{end}_window_mos_max", max(scores))
