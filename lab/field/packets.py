"""What both captures of one call say: its streams, codecs, loss, delay and jitter."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lab.errors import LabError
from lab.field.both_ends import comparison_columns
from lab.field.direction import Direction
from lab.field.layout import CallFiles
from lab.field.study_jitter import study_jitter
from lab.measure.arrivals import diagnose
from lab.measure.capture import Address, Capture, read_capture
from lab.measure.clock_agreement import freed_of_steps
from lab.measure.clocks import Clocks
from lab.measure.jitter import running_jitter
from lab.measure.layer_names import said
from lab.measure.pacing import deviations_ms, sender_pacing
from lab.measure.rtp import Stream, streams
from lab.measure.stream_report import stream_report
from lab.measure.tunnels import UDP
from lab.measure.two_captures import Comparison, compare

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
FAR = {"caller": "callee", "callee": "caller"}
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
    voice_to: dict[str, Stream]
    """What the other end sent to that end, as its own capture has it; else as it was received."""


@dataclass(frozen=True, slots=True)
class _End:
    """What one end's own capture shows of the call, each way."""

    sent: Direction
    received: Direction


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
        found["caller"], found["callee"] = freed_of_steps(found["caller"], found["callee"])
        comparison = compare(found["caller"], found["callee"], Clocks.SEPARATE)
    ends = {end: _end(end, captures[end], own, comparison) for end, own in found.items()}
    columns: dict[str, Any] = {}
    for end, one in ends.items():
        reasons += [f"{end}: {reason}" for reason in _unseen(captures[end], one)]
        remarks += [f"{end}: {remark}" for remark in _remarks(captures[end], one)]
        other = ends.get(FAR[end])
        matched = comparison is not None and comparison.directions
        columns |= _end_columns(end, one, other.sent.stream if other and matched else None)
    if comparison is not None:
        sent = {end: one.sent for end, one in ends.items()}
        columns |= comparison_columns(comparison, sent)
        if all(found.values()):
            columns["ssrc_matched"] = bool(comparison.directions)
            if not comparison.directions:
                reasons.append(DIFFERENT_CALLS)
    codecs, codec_reasons = _codec_columns(
        files.codec, {end: one.received.stream for end, one in ends.items()}
    )
    return PacketFindings(
        columns=columns | codecs,
        reasons=(*reasons, *codec_reasons),
        remarks=tuple(remarks),
        received={end: one.received.stream is not None for end, one in ends.items()},
        voice_to=dict(_voice_to(ends, bool(comparison and comparison.directions))),
    )


def _voice_to(ends: dict[str, _End], matched: bool) -> Iterator[tuple[str, Stream]]:
    for end, one in ends.items():
        far = ends[FAR[end]].sent.stream if matched else None
        if (stream := far if far is not None else one.received.stream) is not None:
            yield end, stream


def _read(path: Path | None) -> tuple[Capture, tuple[Stream, ...]]:
    if path is None:
        raise LabError("there is no capture")
    capture = read_capture(path)
    return capture, streams(capture)


def _end(end: str, capture: Capture, own: Sequence[Stream], comparison: Comparison | None) -> _End:
    """The streams each way, told by what both captures show, or by one alone."""
    outgoing: set[Stream] = set()
    incoming: set[Stream] = set()
    for way in comparison.directions if comparison is not None else ():
        if way.from_first == (end == "caller"):
            outgoing.add(way.sent)
        else:
            incoming.add(way.received)
    local: set[Address | None] = {stream.source for stream in outgoing}
    local |= {stream.destination for stream in incoming}
    local = local or {_local_address(end, capture, own)}
    for stream in own:
        if stream in outgoing or stream in incoming:
            continue
        if stream.source in local and stream.destination not in local:
            outgoing.add(stream)
        elif stream.destination in local and stream.source not in local:
            incoming.add(stream)
    # In order of the capture, as one with two streams of a length has to be told apart.
    return _End(
        Direction.of([stream for stream in own if stream in outgoing]),
        Direction.of([stream for stream in own if stream in incoming]),
    )


def _remarks(capture: Capture, one: _End) -> Iterator[str]:
    """What was noticed and does not make the call invalid."""
    if capture.unread:
        yield f"not read: {said(capture.unread)}"
    for way in (one.received, one.sent):
        yield from way.remarks


def _unseen(capture: Capture, one: _End) -> Iterator[str]:
    """Why the capture does not show the end's voice, or not all of it."""
    sides = {"received": one.received, "sent": one.sent}
    missing = " and ".join(side for side, way in sides.items() if way.stream is None)
    if missing:
        yield f"the capture shows no voice that it {missing}"
    if capture.untimed:
        yield f"{capture.untimed} packets of the capture have no time"
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


def _end_columns(end: str, one: _End, sent_far: Stream | None) -> dict[str, Any]:
    """Of what one end received and sent; `sent_far` is the former as the other end sent it."""
    sent, received = one.sent.stream, one.received.stream
    columns: dict[str, Any] = {}
    if received is not None:
        report = stream_report(received)
        study = study_jitter(received).to_dict()
        columns = {f"{end}_jitter_{name}": value for name, value in study.items()} | {
            f"{end}_ssrc": report.ssrc,
            f"{end}_codec": report.codec,
            f"{end}_vad": report.gaps.voice_activity_detection,
            f"{end}_packets": report.packets,
            f"{end}_loss_pct": report.loss_pct,
            f"{end}_jitter_exact_mean": float(running_jitter(received).mean()),
            f"{end}_jitter_final": report.jitter_final_ms,
            f"{end}_gap_ms_max": report.gaps.network_gap_max_ms,
        }
        columns |= {f"{end}_burst_{name}": value for name, value in report.bursts.to_dict().items()}
        diagnosis = diagnose(received, sent_far)
        columns |= {f"{end}_arrival": diagnosis.kind, f"{end}_diagnosis": diagnosis.text}
    if sent is not None:
        columns[f"{end}_sent_pacing_ms_p99"] = sender_pacing(sent).p99_ms
        if end == "caller":
            columns["caller_sent_ssrc"] = f"0x{sent.ssrc:08x}"
    return columns


def _codec_columns(
    expected: str | None, received: dict[str, Stream | None]
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Whether the streams carry the directory's codec; both directions, as each end saw them."""
    seen = {end: stream.codecs_used for end, stream in received.items() if stream is not None}
    if expected is None or not seen:
        return {}, ()
    # A dynamic type that nothing names is no proof against the directory.
    allowed = CODEC_NAMES[expected] | {"DYNAMIC"}
    wrong = {
        end: others
        for end, codecs in seen.items()
        if (others := [codec.name for codec in codecs if codec.name not in allowed])
    }
    reasons = tuple(
        f"{end}: received {' and '.join(names)}, the directory says {expected}"
        for end, names in wrong.items()
    )
    named = all(codec.name != "DYNAMIC" for codecs in seen.values() for codec in codecs)
    return {"codec_matched": False if wrong else True if named else None}, reasons
