"""What the payload types of one stream stand for, and which of them follow media time.

A stream may change its codec, and with it its clock (RFC 7160). Telephone events (RFC 4733)
keep the timestamp of the digit's beginning for as long as it lasts: they are no media.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from lab.measure.codecs import (
    CLOCK_RATES_HZ,
    COMFORT_NOISE_TYPES,
    DYNAMIC_TYPES,
    STATIC,
    Codec,
    infer_codec,
)
from lab.measure.numbering import difference
from lab.measure.octets import Flags
from lab.measure.pcap import Ints
from lab.measure.rtp_packets import RtpPackets
from lab.measure.sdp import End, PayloadNames

EVENT_NAMES = frozenset({"TELEPHONE-EVENT", "TONE", "X-NSE"})
UNNAMED_EVENT = Codec("TELEPHONE-EVENT", 8000, certain=False)
COMFORT_NOISE = "CN"
EVENT_BYTES = 4
"""An event, its volume and its duration (RFC 4733, 2.3)."""
MIN_TO_INFER = 20
"""Packets of a type from whose pace its clock can be told."""
SAMPLE = 200


@dataclass(frozen=True, slots=True, eq=False)
class PayloadTypes:
    """What the types of one stream stand for."""

    usual: int
    """The most frequent one, comfort noise and events aside."""
    codecs: Mapping[int, Codec]
    """By type."""
    clock_rate_hz: Ints
    """Of each packet's timestamp."""
    media: Flags
    """Whether the packet's timestamp tells the media's time; events' does not."""
    comfort_noise: Flags

    @property
    def codec(self) -> Codec:
        """The usual type's."""
        return self.codecs[self.usual]


def payload_types(
    packets: RtpPackets, names: PayloadNames, receiver: End, sender: End
) -> PayloadTypes:
    """Name the types by SDP, the receiver's first; by the static table; or by their packets."""
    if (packets.payload_type == packets.payload_type[0]).all():
        return _single(packets, names, receiver, sender)
    types, counts = np.unique(packets.payload_type, return_counts=True)
    by_count = types[np.argsort(-counts, kind="stable")].tolist()
    named = {number: names.of(number, receiver, sender) for number in by_count}
    quiet = {number for number in by_count if is_comfort_noise(number, named[number])}
    events = {n for n in by_count if n not in quiet and _is_event(packets, n, named[n], by_count)}
    usual = next((n for n in by_count if n not in quiet | events), by_count[0])
    codec = _codec(packets, usual, named[usual], names)
    codecs = {usual: codec}
    for number in by_count:
        if number in codecs:
            continue
        other = named[number]
        if number in events:
            other = other or UNNAMED_EVENT
        elif other is None and number not in STATIC and counts[types == number] < MIN_TO_INFER:
            other = Codec("DYNAMIC", codec.clock_rate_hz, certain=False)
        codecs[number] = other or _codec(packets, number, None, names)
    # Comfort noise is silence of the codec's: type 13 states 8 kHz whatever that is.
    clocks = {n: codec if n in quiet else codecs[n] for n in by_count}
    clock_rate_hz = np.zeros(len(packets), np.int64)
    for number in by_count:
        clock_rate_hz[packets.payload_type == number] = clocks[number].clock_rate_hz
    return PayloadTypes(
        usual=usual,
        codecs=codecs,
        clock_rate_hz=clock_rate_hz,
        media=~np.isin(packets.payload_type, list(events)),
        comfort_noise=np.isin(packets.payload_type, list(quiet)),
    )


def single_type(
    packets: RtpPackets, names: PayloadNames, receiver: End, sender: End
) -> tuple[int, Codec]:
    """The type of packets that have one only, and what it stands for."""
    number = int(packets.payload_type[0])
    # The receiver's own description counts first: it asked for what the numbers mean.
    codec = names.of(number, receiver, sender)
    if codec is None and _is_event(packets, number, codec, [number]):
        return number, UNNAMED_EVENT
    return number, _codec(packets, number, codec, names)


def _single(packets: RtpPackets, names: PayloadNames, receiver: End, sender: End) -> PayloadTypes:
    number, codec = single_type(packets, names, receiver, sender)
    count = len(packets)
    return PayloadTypes(
        usual=number,
        codecs={number: codec},
        clock_rate_hz=np.full(count, codec.clock_rate_hz),
        media=np.full(count, codec.name not in EVENT_NAMES),
        comfort_noise=np.full(count, is_comfort_noise(number, codec)),
    )


def is_comfort_noise(number: int, codec: Codec | None) -> bool:
    """Whether a type, with what is known of it, stands for comfort noise."""
    return number in COMFORT_NOISE_TYPES or (codec is not None and codec.name == COMFORT_NOISE)


def _is_event(packets: RtpPackets, number: int, codec: Codec | None, types: list[int]) -> bool:
    """By name; else a minor dynamic type whose packets have an event's size or stand still, or
    one that stands alone and does both."""
    if codec is not None:
        return codec.name in EVENT_NAMES
    if number not in DYNAMIC_TYPES:
        return False
    mine = packets.payload_type == number
    small = bool((packets.payload_bytes[mine] == EVENT_BYTES).all())
    if small and len(types) > 1:
        return True
    steps = difference(packets.timestamp[mine][1:], packets.timestamp[mine][:-1], 32)
    still = len(steps) > 0 and bool(2 * np.sum(steps == 0) > len(steps))
    return still and (small or number != types[0])


def _codec(packets: RtpPackets, number: int, named: Codec | None, names: PayloadNames) -> Codec:
    if named is not None:
        return named
    if number in STATIC:
        return STATIC[number]
    mine = packets.payload_type == number
    clock_hz = _clock_estimate_hz(packets, mine)
    if number in DYNAMIC_TYPES:
        stated = names.anywhere.get(number, frozenset())
        if len(stated) > 1:
            # One number for audio and for video, say: their clocks tell them apart.
            nearest = min(CLOCK_RATES_HZ, key=lambda rate: abs(rate - clock_hz))
            stated = frozenset(codec for codec in stated if codec.clock_rate_hz == nearest)
        if len(stated) == 1:
            return next(iter(stated))
    sample = np.flatnonzero(mine & (packets.payload_captured_bytes > 0))[:SAMPLE]
    frames = zip(
        packets.data[packets.payload_start[sample]].tolist(),
        packets.payload_bytes[sample].tolist(),
        strict=True,
    )
    return infer_codec(clock_hz, list(frames))


def _clock_estimate_hz(packets: RtpPackets, mine: Flags) -> float:
    """Timestamp units per second of arrival, over packets that follow one another.

    Of their steps the usual one counts, beside standing still (video): a pause may go with
    new timestamps, and a change of packets with another step.
    """
    follows = (
        mine[1:] & mine[:-1] & (difference(packets.sequence[1:], packets.sequence[:-1], 16) == 1)
    )
    units = difference(packets.timestamp[1:], packets.timestamp[:-1], 32)[follows]
    span_ns = np.diff(packets.time_ns)[follows]
    steps, counts = np.unique(units[units > 0], return_counts=True)
    if not len(steps):
        return 0.0
    counted = (units == steps[np.argmax(counts)]) | (units == 0)
    total_ns = int(span_ns[counted].sum())
    return int(units[counted].sum()) * 1e9 / total_ns if total_ns > 0 else 0.0
