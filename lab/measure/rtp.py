"""The RTP streams of a capture (RFC 3550), told apart by addresses, ports and SSRC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

import numpy as np

from lab.measure.capture import Address, Capture, Floats
from lab.measure.capture_clock import ClockStep
from lab.measure.codecs import Codec
from lab.measure.media_time import media_time
from lab.measure.numbering import difference, extended_numbers, unwrapped
from lab.measure.octets import Flags
from lab.measure.payload_types import is_comfort_noise, payload_types, single_type
from lab.measure.pcap import Bytes, Ints
from lab.measure.percentiles import percentiles
from lab.measure.rtp_packets import Groups, RtpPackets, rtp_groups
from lab.measure.sdp import End, PayloadNames, payload_names

MIN_PACKETS = 5
"""Fewer packets with one SSRC are not taken for a stream: chance can make them."""
MIN_CONTINUITY = 0.9
"""Share of packets that must follow their predecessor as RFC 3550 A.1 expects."""
MIN_DISTINCT = 0.1
"""Share of packets with numbers of their own: a capture may show each several times, but what
shows few numbers again and again only looks like RTP."""


@dataclass(frozen=True, eq=False)
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
    suspected_steps: tuple[ClockStep, ...] = ()
    """Steps that another capture of the call would have to confirm; `time_ns` holds them."""

    def __len__(self) -> int:
        return len(self.time_ns)

    @cached_property
    def in_order(self) -> Ints | slice:
        """The packets in order of their numbers."""
        if (self.sequence[1:] > self.sequence[:-1]).all():
            return slice(None)
        return np.argsort(self.sequence)

    @cached_property
    def ptime_ms(self) -> float:
        """Packetisation: the usual step of media time from one packet to the next."""
        usual = ((self.payload_types == self.payload_type) & ~self.restart)[self.in_order]
        number, stamp = self.sequence[self.in_order], self.timestamp[self.in_order]
        follows = (number[1:] - number[:-1] == 1) & usual[1:] & usual[:-1]
        steps = (stamp[1:] - stamp[:-1])[follows]
        steps = steps[steps > 0]
        if not len(steps):
            return 0.0
        return percentiles(steps, (50,))[0] * 1000 / self.codec.clock_rate_hz

    @property
    def timestamps_are_media_time(self) -> bool:
        """The codec's clock alone tells every packet's media time, without restarts."""
        by_clock = (self.timestamp - self.timestamp[0]) * 1000.0 / self.codec.clock_rate_hz
        return bool(np.array_equal(self.media_ms - self.media_ms[0], by_clock))

    @property
    def codecs_used(self) -> tuple[Codec, ...]:
        """The usual codec, then those of other types that carried media."""
        if len(self.codecs) == 1:
            return (self.codec,)
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
    search = _Search(capture, groups, payload_names(capture) if len(groups) else PayloadNames())
    found = [
        stream
        for number, (begin, end) in enumerate(pairwise(groups.bounds.tolist()))
        if end - begin >= MIN_PACKETS
        if (stream := search.stream(number, slice(begin, end))) is not None
    ]
    return tuple(sorted(found, key=lambda stream: int(stream.time_ns[0])))


class _Search:
    """The groups of a capture, of which some are streams."""

    def __init__(self, capture: Capture, groups: Groups, names: PayloadNames) -> None:
        self._capture = capture
        self._groups = groups
        self._names = names
        self._even = groups.even.tolist()
        packets = groups.packets
        self._ip_bytes = capture.datagram_bytes[packets.packet]
        self._never = np.zeros(len(packets), bool)
        self._always = ~self._never
        begin, size = groups.bounds[:-1], np.diff(groups.bounds)
        place = np.arange(len(packets)) - np.repeat(begin, size)
        self._sequence = np.repeat(packets.sequence[begin], size) + place
        units = packets.timestamp[np.minimum(begin + 1, len(packets) - 1)]
        units = difference(units, packets.timestamp[begin], 32)
        self._timestamp = np.repeat(packets.timestamp[begin], size) + np.repeat(units, size) * place

    def stream(self, group: int, own: slice) -> Stream | None:
        """The stream of a group, or None where its numbers show that it is none."""
        packets = self._groups.packets.taken(own)
        first = packets.packet[0]
        addresses, ends = self._capture.addresses, self._capture
        sender = (addresses[ends.source[first]], int(ends.source_port[first]))
        receiver = (addresses[ends.destination[first]], int(ends.destination_port[first]))
        if self._even[group]:
            stream = self._even_stream(packets, own, sender, receiver)
        elif (judged := self._judged(packets, own, sender, receiver)) is not None:
            stream = judged
        else:
            return None
        return _with_steps(stream, self._groups)

    def _even_stream(self, packets: RtpPackets, own: slice, sender: End, receiver: End) -> Stream:
        kind, codec = single_type(packets, self._names, receiver, sender)
        timestamp = self._timestamp[own]
        never = self._never[own]
        return Stream(
            ssrc=int(packets.ssrc[0]),
            source=sender[0],
            source_port=sender[1],
            destination=receiver[0],
            destination_port=receiver[1],
            payload_type=kind,
            codec=codec,
            codecs={kind: codec},
            data=packets.data,
            time_ns=packets.time_ns,
            sequence=self._sequence[own],
            timestamp=timestamp,
            media_ms=(timestamp - timestamp[0]) * 1000.0 / codec.clock_rate_hz,
            media=self._always[own],
            comfort_noise=self._always[own] if is_comfort_noise(kind, codec) else never,
            marker=packets.marker,
            payload_types=packets.payload_type,
            payload_start=packets.payload_start,
            payload_bytes=packets.payload_bytes,
            payload_captured_bytes=packets.payload_captured_bytes,
            ip_bytes=self._ip_bytes[own],
            restart=never,
            renumberings=0,
            retimings=0,
            duplicates=0,
            strays=0,
        )

    def _judged(self, packets: RtpPackets, own: slice, sender: End, receiver: End) -> Stream | None:
        types = payload_types(packets, self._names, receiver, sender)
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
        sequence, sent, media = numbers.extended[once], packets.taken(chosen), types.media[chosen]
        time = media_time(
            sequence,
            sent.timestamp,
            sent.time_ns,
            media,
            types.clock_rate_hz[chosen],
            numbers.restart[once],
        )
        return Stream(
            ssrc=int(packets.ssrc[0]),
            source=sender[0],
            source_port=sender[1],
            destination=receiver[0],
            destination_port=receiver[1],
            payload_type=types.usual,
            codec=types.codec,
            codecs=types.codecs,
            data=packets.data,
            time_ns=sent.time_ns,
            sequence=sequence,
            timestamp=unwrapped(sent.timestamp, 32),
            media_ms=time.ms,
            media=media,
            comfort_noise=types.comfort_noise[chosen],
            marker=sent.marker,
            payload_types=sent.payload_type,
            payload_start=sent.payload_start,
            payload_bytes=sent.payload_bytes,
            payload_captured_bytes=sent.payload_captured_bytes,
            ip_bytes=self._ip_bytes[own][chosen],
            restart=time.seam,
            renumberings=int(numbers.restart.sum()),
            retimings=time.restarts,
            duplicates=len(numbers.kept) - len(once),
            strays=len(packets) - len(numbers.kept),
        )


def _with_steps(stream: Stream, groups: Groups) -> Stream:
    if not (groups.steps or groups.suspected):
        return stream
    begin, end = int(stream.time_ns[0]), int(stream.time_ns[-1])
    during, suspected = (
        tuple(step for step in steps if begin < step.at_ns <= end)
        for steps in (groups.steps, groups.suspected)
    )
    return replace(stream, clock_steps=during, suspected_steps=suspected)
