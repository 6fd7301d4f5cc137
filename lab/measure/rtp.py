"""The RTP streams of a capture (RFC 3550), told apart by addresses, ports and SSRC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from lab.measure.capture import Address, Capture, Floats
from lab.measure.capture_clock import ClockStep
from lab.measure.codecs import Codec
from lab.measure.media_time import media_time
from lab.measure.numbering import extended_numbers, unwrapped
from lab.measure.octets import Flags
from lab.measure.payload_types import payload_types
from lab.measure.pcap import Bytes, Ints
from lab.measure.rtp_packets import RtpPackets, rtp_groups
from lab.measure.sdp import PayloadNames, payload_names

MIN_PACKETS = 5
"""Fewer packets with one SSRC are not taken for a stream: chance can make them."""
MIN_CONTINUITY = 0.9
"""Share of packets that must follow their predecessor as RFC 3550 A.1 expects."""
MIN_DISTINCT = 0.1
"""Share of packets with numbers of their own: a capture may show each several times, but what
shows few numbers again and again only looks like RTP."""


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
    """The most frequent one, comfort noise and telephone events aside."""
    codec: Codec
    """What that type stands for."""
    codecs: Mapping[int, Codec]
    """What all of the stream's types stand for."""
    data: Bytes
    """The content of the capture file, for looking at payloads."""
    time_ns: Ints
    """Nanoseconds since 1970."""
    sequence: Ints
    """Sequence number, extended: it goes on beyond 65535 and across restarts."""
    timestamp: Ints
    """RTP timestamp, extended, in units of the clock of the packet's codec."""
    media_ms: Floats
    """Each packet's place in the sender's media time; it goes on across restarts and changes of
    the clock."""
    media: Flags
    """False for telephone events, whose timestamps stand still."""
    comfort_noise: Flags
    marker: Flags
    payload_types: Ints
    payload_start: Ints
    """Offset in `data` of the payload behind the RTP header."""
    payload_bytes: Ints
    """Its length on the wire."""
    payload_captured_bytes: Ints
    ip_bytes: Ints
    """Length of the IP packets that carried it, headers included; 0 where none was seen."""
    restart: Flags
    """True for the first packet after the sender began anew, numbers, timestamps or clock:
    how much media time went by before it only its arrival tells."""
    renumberings: int
    """Times the sender began a new numbering."""
    retimings: int
    """Times it began new timestamps and its numbers went on."""
    duplicates: int
    strays: int
    """Packets whose number belongs nowhere near their neighbours'."""
    clock_steps: tuple[ClockStep, ...] = ()
    """Of the capturing host's clock during the stream; `time_ns` is already freed of them."""

    def __len__(self) -> int:
        return len(self.time_ns)

    @property
    def ptime_ms(self) -> float:
        """Packetisation: the usual step of media time from one packet to the next."""
        in_order = np.argsort(self.sequence)
        usual = ((self.payload_types == self.payload_type) & ~self.restart)[in_order]
        follows = (np.diff(self.sequence[in_order]) == 1) & usual[1:] & usual[:-1]
        steps = np.diff(self.timestamp[in_order])[follows]
        steps = steps[steps > 0]
        return float(np.median(steps)) * 1000 / self.codec.clock_rate_hz if len(steps) else 0.0

    @property
    def timestamps_are_media_time(self) -> bool:
        """The codec's clock alone tells every packet's media time, without restarts."""
        by_clock = (self.timestamp - self.timestamp[0]) * 1000.0 / self.codec.clock_rate_hz
        return bool(np.array_equal(self.media_ms - self.media_ms[0], by_clock))

    @property
    def codecs_used(self) -> tuple[Codec, ...]:
        """The usual codec, then those of other types that carried media."""
        types = np.unique(self.payload_types[self.media & ~self.comfort_noise]).tolist()
        others = [self.codecs[number] for number in types if number != self.payload_type]
        return (self.codec, *others)

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
    "media_ms",
    "media",
    "comfort_noise",
    "marker",
    "payload_types",
    "payload_start",
    "payload_bytes",
    "payload_captured_bytes",
    "ip_bytes",
    "restart",
)


def streams(capture: Capture, ports: frozenset[int] | None = None) -> tuple[Stream, ...]:
    """The RTP streams of a capture, in order of their first packet.

    `ports` restricts the search to packets from or to one of these UDP ports. A packet is
    taken for RTP if its header says version 2 and no RTCP type, at least MIN_PACKETS share
    its SSRC between the same ports, and their numbers go on as RFC 3550 A.1 expects.
    """
    groups = rtp_groups(capture, ports)
    names = payload_names(capture) if len(groups) else PayloadNames()
    found = []
    for begin, end in pairwise(groups.bounds.tolist()):
        if end - begin < MIN_PACKETS:
            continue
        stream = _stream(capture, groups.packets.taken(slice(begin, end)), names)
        if stream is not None:
            found.append(_with_steps(stream, groups.steps))
    return tuple(sorted(found, key=lambda stream: int(stream.time_ns[0])))


def _stream(capture: Capture, packets: RtpPackets, names: PayloadNames) -> Stream | None:
    """The stream of packets with one SSRC, or None where their numbers show it is none."""
    first = packets.packet[0]
    source = capture.addresses[capture.source[first]]
    destination = capture.addresses[capture.destination[first]]
    source_port, destination_port = (
        int(port[first]) for port in (capture.source_port, capture.destination_port)
    )
    types = payload_types(packets, names, (destination, destination_port), (source, source_port))
    numbers = extended_numbers(
        packets.sequence, packets.timestamp, packets.time_ns, types.media, types.clock_rate_hz
    )
    if len(numbers.kept) < MIN_CONTINUITY * len(packets):
        return None
    if np.mean(numbers.restart) > 1 - MIN_CONTINUITY:
        return None
    once = np.sort(np.unique(numbers.extended, return_index=True)[1])
    if len(once) < max(MIN_PACKETS, MIN_DISTINCT * len(packets)):
        return None
    chosen = numbers.kept[once]
    sequence, renumbered = numbers.extended[once], numbers.restart[once]
    packets_sent = packets.taken(chosen)
    media = types.media[chosen]
    time = media_time(
        sequence,
        packets_sent.timestamp,
        packets_sent.time_ns,
        media,
        types.clock_rate_hz[chosen],
        renumbered,
    )
    return Stream(
        ssrc=int(packets.ssrc[0]),
        source=source,
        source_port=source_port,
        destination=destination,
        destination_port=destination_port,
        payload_type=types.usual,
        codec=types.codec,
        codecs=types.codecs,
        data=capture.data,
        time_ns=packets_sent.time_ns,
        sequence=sequence,
        timestamp=unwrapped(packets_sent.timestamp, 32),
        media_ms=time.ms,
        media=media,
        comfort_noise=types.comfort_noise[chosen],
        marker=packets_sent.marker,
        payload_types=packets_sent.payload_type,
        payload_start=packets_sent.payload_start,
        payload_bytes=packets_sent.payload_bytes,
        payload_captured_bytes=packets_sent.payload_captured_bytes,
        ip_bytes=capture.datagram_bytes[packets_sent.packet],
        restart=time.seam,
        renumberings=int(numbers.restart.sum()),
        retimings=time.restarts,
        duplicates=len(numbers.kept) - len(once),
        strays=len(packets) - len(numbers.kept),
    )


def _with_steps(stream: Stream, steps: tuple[ClockStep, ...]) -> Stream:
    begin, end = int(stream.time_ns[0]), int(stream.time_ns[-1])
    during = tuple(step for step in steps if begin < step.at_ns <= end)
    return replace(stream, clock_steps=during) if during else stream
