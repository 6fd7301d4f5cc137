"""What both captures of one call say: its streams, codecs, loss, delay and jitter."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lab.errors import LabError
from lab.field.layout import CallFiles
from lab.field.study_jitter import study_jitter
from lab.measure.capture import Address, Capture, read_capture
from lab.measure.clocks import Clocks
from lab.measure.codecs import Codec
from lab.measure.emodel import rate
from lab.measure.gaps import gaps
from lab.measure.jitter import running_jitter
from lab.measure.layer_names import said
from lab.measure.pacing import deviations_ms, sender_pacing
from lab.measure.rtp import Stream, streams
from lab.measure.stream_report import stream_report
from lab.measure.tunnels import UDP
from lab.measure.two_captures import Comparison, Direction, compare

CODEC_NAMES = {
    "g711": {"PCMU", "PCMA"},
    "g722": {"G722"},
    "gsm": {"GSM"},
    "opus": {"OPUS"},
    "speex": {"SPEEX"},
}
"""Codec of a directory, and what its streams may carry."""
MOST_UNREAD = 0.01
"""Of a capture's packets: were they voice, this much of it would be missing."""
DIFFERENT_CALLS = "caller and callee captures are of different calls"


@dataclass(frozen=True, slots=True)
class PacketFindings:
    """Columns of the row that come from packets, and what is wrong with them."""

    columns: dict[str, Any]
    """By the names of `lab.field.row.CallRow`."""
    reasons: tuple[str, ...]
    """Why the call is not valid."""
    remarks: tuple[str, ...]
    received: dict[str, bool]
    """Whether any media reached that end, by its own capture."""


@dataclass(frozen=True, slots=True)
class _End:
    """What one end's own capture shows."""

    sent: Stream | None
    received: Stream | None


def packet_findings(files: CallFiles) -> PacketFindings:
    """Read both captures; what cannot be read is named in the reasons, never raised."""
    reasons: list[str] = []
    remarks: list[str] = []
    found: dict[str, tuple[Stream, ...]] = {}
    captures: dict[str, Capture] = {}
    for end, path in (("caller", files.caller.capture), ("callee", files.callee.capture)):
        try:
            captures[end], found[end] = _read(path)
        except LabError as error:
            reasons.append(f"{end}: {error.message.rstrip('.')}")
            continue
        if captures[end].cut_short:
            remarks.append(f"{end}: capture ends in the middle of a packet")
    comparison = None
    if len(found) == 2:
        comparison = compare(found["caller"], found["callee"], Clocks.SEPARATE)
    ends = {end: _end(end, captures[end], own, comparison) for end, own in found.items()}
    for end, one in ends.items():
        reasons += [f"{end}: {reason}" for reason in _unseen(captures[end], one)]
    columns: dict[str, Any] = {}
    for end, one in ends.items():
        columns |= _end_columns(end, one)
    if comparison is not None:
        columns |= _comparison_columns(comparison)
        if all(found.values()):
            columns["ssrc_matched"] = bool(comparison.directions)
            if not comparison.directions:
                reasons.append(DIFFERENT_CALLS)
    codecs, codec_reasons = _codec_columns(files.codec, ends)
    return PacketFindings(
        columns=columns | codecs,
        reasons=(*reasons, *codec_reasons),
        remarks=tuple(remarks),
        received={end: one.received is not None for end, one in ends.items()},
    )


def _read(path: Path | None) -> tuple[Capture, tuple[Stream, ...]]:
    if path is None:
        raise LabError("there is no capture")
    capture = read_capture(path)
    return capture, streams(capture)


def _end(end: str, capture: Capture, own: Sequence[Stream], comparison: Comparison | None) -> _End:
    """The longest stream each way, told by what both captures show, or by one alone."""
    sent: list[Stream] = []
    received: list[Stream] = []
    ways = comparison.directions if comparison is not None else ()
    if ways:
        for way in ways:
            outgoing = way.from_first == (end == "caller")
            (sent if outgoing else received).append(way.sent if outgoing else way.received)
    else:
        local = _local_address(end, capture, own)
        sent = [stream for stream in own if stream.source == local]
        received = [stream for stream in own if stream.destination == local]
    return _End(max(sent, key=len, default=None), max(received, key=len, default=None))


def _unseen(capture: Capture, one: _End) -> Iterator[str]:
    """Why the capture does not show the end's voice, or not all of it."""
    sides = {"received": one.received, "sent": one.sent}
    missing = " and ".join(side for side, stream in sides.items() if stream is None)
    if missing:
        yield f"the capture shows no voice that it {missing}"
    unread = sum(some.packets for some in capture.unread)
    if unread and (missing or unread > MOST_UNREAD * len(capture)):
        yield f"packets of the capture were not read: {said(capture.unread)}"


def _local_address(end: str, capture: Capture, own: Sequence[Stream]) -> Address | None:
    """The address of the end that took the capture.

    The caller is who registers and invites. Without SIP it is the source of the stream that
    left most evenly: packets have not travelled yet where they are sent.
    """
    for packet in np.flatnonzero((capture.protocol == UDP) & (capture.payload_bytes > 0)):
        if capture.payload(int(packet)).startswith((b"REGISTER sip:", b"INVITE sip:")):
            mine = capture.source if end == "caller" else capture.destination
            return capture.addresses[int(mine[packet])]
    if not own:
        return None
    return min(own, key=lambda stream: float(np.std(deviations_ms(stream)))).source


def _end_columns(end: str, one: _End) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    if one.received is not None:
        report = stream_report(one.received)
        study = study_jitter(one.received).to_dict()
        columns = {f"{end}_jitter_{name}": value for name, value in study.items()} | {
            f"{end}_ssrc": report.ssrc,
            f"{end}_codec": report.codec,
            f"{end}_vad": report.gaps.voice_activity_detection,
            f"{end}_packets": report.packets,
            f"{end}_loss_pct": report.loss_pct,
            f"{end}_jitter_exact_mean": float(running_jitter(one.received).mean()),
            f"{end}_jitter_final": report.jitter_final_ms,
            f"{end}_gap_ms_max": gaps(one.received).network_gap_max_ms,
        }
    if one.sent is not None:
        columns[f"{end}_sent_pacing_ms_p99"] = sender_pacing(one.sent).p99_ms
        if end == "caller":
            columns["caller_sent_ssrc"] = f"0x{one.sent.ssrc:08x}"
    return columns


def _comparison_columns(comparison: Comparison) -> dict[str, Any]:
    """Delay and loss of the longest stream each way."""
    columns: dict[str, Any] = {}
    longest: dict[str, Direction] = {}
    for way in sorted(comparison.directions, key=lambda way: len(way.delays)):
        longest["callee" if way.from_first else "caller"] = way
    for end, way in longest.items():
        delays = way.delays
        fastest = float(delays.delay_ms.min())
        columns |= {
            f"{end}_delay_spikes": delays.spikes(),
            f"{end}_pdv_ms_p95": float(np.percentile(delays.delay_ms, 95)) - fastest,
        }
        if delays.loss_pct is not None:
            columns[f"{end}_loss_pct"] = delays.loss_pct
        # One direction alone leaves the clocks' offset, and with it the delay, unknown.
        if comparison.clock.basis == "round-trip":
            columns |= {
                f"{end}_owd_ms_p50": delays.p50_ms,
                f"{end}_owd_ms_p95": delays.p95_ms,
                f"{end}_owd_ms_max": delays.max_ms,
                f"{end}_emodel_r": _rating(way),
            }
    if comparison.clock.basis == "round-trip":
        columns |= {
            "rtt_ms_min": sum(float(way.delays.delay_ms.min()) for way in longest.values()),
            "clock_offset_ms": comparison.clock.offset_ms,
            "clock_skew_ppm": comparison.clock.skew_ppm,
        }
    return columns


def _rating(way: Direction) -> float | None:
    """R of the E-model; None where nothing is published for the codec or for its losses."""
    delay_ms, loss_pct = way.delays.p50_ms, way.delays.loss_pct
    if delay_ms is None or loss_pct is None:
        return None
    heard = way.received
    rating = rate(heard.codec.name, max(0.0, delay_ms) + heard.ptime_ms, loss_pct)
    return rating.r if rating else None


def _codec_columns(
    expected: str | None, ends: dict[str, _End]
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Whether the streams carry the directory's codec; both directions, as each end saw them."""
    seen: dict[str, Codec] = {
        end: one.received.codec for end, one in ends.items() if one.received is not None
    }
    if expected is None or not seen:
        return {}, ()
    wrong = {
        end: codec
        for end, codec in seen.items()
        # A dynamic type that nothing names is no proof against the directory.
        if codec.name not in CODEC_NAMES[expected] and codec.name != "DYNAMIC"
    }
    reasons = tuple(
        f"{end}: received {codec.name}, the directory says {expected}"
        for end, codec in wrong.items()
    )
    named = all(codec.name != "DYNAMIC" for codec in seen.values())
    return {"codec_matched": False if wrong else True if named else None}, reasons
