"""The RTP streams of a capture (RFC 3550), told apart by addresses, ports and SSRC."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from lab.measure.capture import Address, Capture
from lab.measure.codecs import COMFORT_NOISE_TYPES, DYNAMIC_TYPES, STATIC, Codec, infer_codec
from lab.measure.numbering import extended_sequence, unwrapped
from lab.measure.octets import Flags
from lab.measure.pcap import Bytes, Ints
from lab.measure.sdp import MediaDescription, media_descriptions
from lab.measure.tunnels import UDP

HEADER_BYTES = 12
MIN_PACKETS = 5
"""Fewer packets with one SSRC are not taken for a stream: chance can make them."""
MIN_CONTINUITY = 0.9
"""Share of packets that must follow their predecessor as RFC 3550 A.1 expects."""
RTCP_TYPES = range(64, 96)
"""Payload types that RFC 5761 keeps free, because RTCP's packet types look like them."""


@dataclass(frozen=True, slots=True, eq=False)
class Stream:
    """One RTP stream in order of arrival; every array has one entry per packet.

    Duplicates (of a sequence number already seen) and strays are counted, not kept.
    """

    ssrc: int
    source: Address
    source_port: int
    destination: Address
    destination_port: int
    payload_type: int
    """The most frequent one, comfort noise aside."""
    codec: Codec
    data: Bytes
    """The content of the capture file, for looking at payloads."""
    time_ns: Ints
    """Nanoseconds since 1970."""
    sequence: Ints
    """Sequence number, extended: it goes on beyond 65535 and across restarts."""
    timestamp: Ints
    """RTP timestamp, extended, in units of the codec's clock."""
    marker: Flags
    payload_types: Ints
    payload_start: Ints
    """Offset in `data` of the payload behind the RTP header."""
    payload_bytes: Ints
    """Its length on the wire."""
    payload_captured_bytes: Ints
    restart: Flags
    """True for the first packet after the sender began a new numbering."""
    duplicates: int
    strays: int
    """Packets whose number belongs nowhere near their neighbours'."""

    def __len__(self) -> int:
        return len(self.time_ns)

    @property
    def media_ms(self) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        """Each packet's place in the sender's media time, ms since the first packet's."""
        media: np.ndarray[tuple[int, ...], np.dtype[np.float64]] = (
            (self.timestamp - self.timestamp[0]) * 1000.0 / self.codec.clock_rate_hz
        )
        return media

    @property
    def ptime_ms(self) -> float:
        """Packetisation: the usual step of media time from one packet to the next."""
        in_order = np.argsort(self.sequence)
        steps = np.diff(self.timestamp[in_order])[np.diff(self.sequence[in_order]) == 1]
        steps = steps[steps > 0]
        return float(np.median(steps)) * 1000 / self.codec.clock_rate_hz if len(steps) else 0.0

    @property
    def duration_s(self) -> float:
        """From the first packet's arrival to the last's."""
        return float(self.time_ns.max() - self.time_ns.min()) / 1e9

    def payload(self, packet: int) -> bytes:
        """What stands in the file of a packet's payload."""
        start = int(self.payload_start[packet])
        return self.data[start : start + int(self.payload_captured_bytes[packet])].tobytes()

    def taken(self, packets: Ints | Flags) -> Stream:
        """The stream with only these packets."""
        return replace(self, **{name: getattr(self, name)[packets] for name in PACKET_COLUMNS})


PACKET_COLUMNS = (
    "time_ns",
    "sequence",
    "timestamp",
    "marker",
    "payload_types",
    "payload_start",
    "payload_bytes",
    "payload_captured_bytes",
    "restart",
)


def streams(capture: Capture, ports: frozenset[int] | None = None) -> tuple[Stream, ...]:
    """The RTP streams of a capture, in order of their first packet.

    `ports` restricts the search to packets from or to one of these UDP ports. A packet is
    taken for RTP if its header says version 2 and no RTCP type, at least MIN_PACKETS share
    its SSRC between the same ports, and their numbers go on as RFC 3550 A.1 expects.
    """
    packets, header = _candidates(capture, ports)
    descriptions = media_descriptions(capture) if len(packets) else ()
    found = []
    for members in _groups(capture, packets, header["ssrc"]):
        stream = _stream(capture, packets[members], _rows(header, members), descriptions)
        if stream is not None:
            found.append(stream)
    return tuple(sorted(found, key=lambda stream: int(stream.time_ns[0])))


def _rows(header: dict[str, Ints], members: Ints) -> dict[str, Ints]:
    return {name: column[members] for name, column in header.items()}


def _candidates(capture: Capture, ports: frozenset[int] | None) -> tuple[Ints, dict[str, Ints]]:
    """Indices of the packets that may be RTP, and the fields of their headers."""
    mask = (capture.protocol == UDP) & (capture.payload_captured_bytes >= HEADER_BYTES)
    if ports is not None:
        wanted = list(ports)
        mask &= np.isin(capture.source_port, wanted) | np.isin(capture.destination_port, wanted)
    packets = np.flatnonzero(mask)
    packets = packets[capture.data[capture.payload_start[packets]] >> 6 == 2]
    start = capture.payload_start[packets]
    octets = capture.data[start[:, None] + np.arange(HEADER_BYTES)]
    numbers = octets.view(">u4").astype(np.int64).reshape(-1, 3)
    words = octets.view(">u2").astype(np.int64).reshape(-1, 6)
    kind = words[:, 0] & 0x7F
    header_bytes = HEADER_BYTES + 4 * (octets[:, 0] & 15).astype(np.int64)
    header_bytes += _extension_bytes(capture, packets, octets[:, 0], header_bytes)
    room = capture.payload_bytes[packets] - header_bytes
    keep = np.flatnonzero(~np.isin(kind, RTCP_TYPES) & (room >= 0))
    columns = {
        "ssrc": numbers[:, 2],
        "sequence": words[:, 1],
        "timestamp": numbers[:, 1],
        "marker": words[:, 0] >> 7 & 1,
        "payload_type": kind,
        "header_bytes": header_bytes,
    }
    return packets[keep], _rows(columns, keep)


def _extension_bytes(capture: Capture, packets: Ints, first: Bytes, at: Ints) -> Ints:
    """Length of the header extension, which states it in 32-bit words (RFC 3550, 5.3.1)."""
    length = np.zeros(len(packets), np.int64)
    extended = np.flatnonzero(
        (first >> 4 & 1 == 1) & (at + 4 <= capture.payload_captured_bytes[packets])
    )
    where = capture.payload_start[packets[extended]] + at[extended] + 2
    words = capture.data[where].astype(np.int64) << 8 | capture.data[where + 1]
    length[extended] = 4 + 4 * words
    return length


def _groups(capture: Capture, packets: Ints, ssrc: Ints) -> list[Ints]:
    """Positions in `packets` of each group that shares SSRC, addresses and ports."""
    if not len(packets):
        return []
    ends = [
        np.unique(address[packets] << 16 | port[packets], return_inverse=True)[1]
        for address, port in (
            (capture.source, capture.source_port),
            (capture.destination, capture.destination_port),
        )
    ]
    path = ends[0].astype(np.int64) * (int(ends[1].max()) + 1) + ends[1]
    _, path = np.unique(path, return_inverse=True)
    _, group, size = np.unique(path << 32 | ssrc, return_inverse=True, return_counts=True)
    order = np.argsort(group, kind="stable")
    parts = np.split(order, np.cumsum(size)[:-1])
    return [part for part in parts if len(part) >= MIN_PACKETS]


def _stream(
    capture: Capture,
    packets: Ints,
    header: dict[str, Ints],
    descriptions: tuple[MediaDescription, ...],
) -> Stream | None:
    """The stream of packets with one SSRC, or None where their numbers show it is none."""
    in_time = np.argsort(capture.time_ns[packets], kind="stable")
    kept, sequence, restart = extended_sequence(header["sequence"][in_time])
    steps = np.diff(sequence)
    if len(kept) < MIN_CONTINUITY * len(packets) or len(steps) == 0:
        return None
    if np.mean(restart) > 1 - MIN_CONTINUITY:
        return None
    once = np.sort(np.unique(sequence, return_index=True)[1])
    chosen = in_time[kept[once]]
    packets, header = packets[chosen], _rows(header, chosen)
    timestamp = unwrapped(header["timestamp"], 32)
    first = packets[0]
    types = header["payload_type"]
    source = capture.addresses[capture.source[first]]
    destination = capture.addresses[capture.destination[first]]
    start = capture.payload_start[packets] + header["header_bytes"]
    size = capture.payload_bytes[packets] - header["header_bytes"]
    captured = capture.payload_captured_bytes[packets] - header["header_bytes"]
    stream = Stream(
        ssrc=int(header["ssrc"][0]),
        source=source,
        source_port=int(capture.source_port[first]),
        destination=destination,
        destination_port=int(capture.destination_port[first]),
        payload_type=_usual_type(types),
        codec=Codec("DYNAMIC", 8000, certain=False),
        data=capture.data,
        time_ns=capture.time_ns[packets],
        sequence=sequence[once],
        timestamp=timestamp,
        marker=header["marker"] == 1,
        payload_types=types,
        payload_start=start,
        payload_bytes=size,
        payload_captured_bytes=np.maximum(captured, 0),
        restart=restart[once],
        duplicates=len(kept) - len(once),
        strays=len(in_time) - len(kept),
    )
    return replace(stream, codec=_codec(stream, descriptions))


def _usual_type(types: Ints) -> int:
    media = types[~np.isin(types, list(COMFORT_NOISE_TYPES))]
    values, counts = np.unique(media if len(media) else types, return_counts=True)
    return int(values[np.argmax(counts)])


def _codec(stream: Stream, descriptions: tuple[MediaDescription, ...]) -> Codec:
    """What the stream's payload type stands for: SDP, the static table, or inference."""
    # The receiver's own description counts first: it asked for what the numbers mean.
    ends = ((stream.destination, stream.destination_port), (stream.source, stream.source_port))
    for end in ends:
        for description in reversed(descriptions):
            if (description.address, description.port) == end:
                codec = description.codecs.get(stream.payload_type)
                if codec is not None:
                    return codec
    if stream.payload_type in STATIC:
        return STATIC[stream.payload_type]
    if stream.payload_type in DYNAMIC_TYPES:
        stated = {
            description.codecs[stream.payload_type]
            for description in descriptions
            if stream.payload_type in description.codecs
        }
        if len(stated) == 1:
            return stated.pop()
    sample = np.flatnonzero(stream.payload_captured_bytes > 0)[:200]
    frames = zip(
        stream.data[stream.payload_start[sample]].tolist(),
        stream.payload_bytes[sample].tolist(),
        strict=True,
    )
    return infer_codec(_clock_estimate_hz(stream), list(frames))


def _clock_estimate_hz(stream: Stream) -> float:
    """Timestamp units per second of arrival, over packets that follow one another."""
    next_one = np.diff(stream.sequence) == 1
    units = int(np.diff(stream.timestamp)[next_one].sum())
    span_ns = int(np.diff(stream.time_ns)[next_one].sum())
    return units * 1e9 / span_ns if span_ns > 0 else 0.0
