"""The packets of a capture that may be RTP (RFC 3550), by the streams that they would form."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from lab.measure.capture import Capture
from lab.measure.capture_clock import ClockStep, Seen, steps_back, steps_forward
from lab.measure.fragments import undelivered
from lab.measure.numbering import difference
from lab.measure.octets import Flags
from lab.measure.packets import LATER
from lab.measure.pcap import Bytes, Ints
from lab.measure.tunnels import UDP

HEADER_BYTES = 12
RTCP_TYPES = range(64, 96)
"""Payload types that RFC 5761 keeps free, because RTCP's packet types look like them."""


@dataclass(frozen=True, slots=True, eq=False)
class RtpPackets:
    """What the RTP headers of some packets say; every array has one entry per packet."""

    data: Bytes
    """The content of the capture file."""
    packet: Ints
    """Its place in the capture."""
    time_ns: Ints
    """When it was captured, by a clock that nobody set meanwhile."""
    ssrc: Ints
    sequence: Ints
    """16 bits, as in the header; so the timestamp's 32."""
    timestamp: Ints
    marker: Flags
    payload_type: Ints
    payload_start: Ints
    """Offset in `data` of the payload behind the RTP header."""
    payload_bytes: Ints
    """Its length on the wire."""
    payload_captured_bytes: Ints

    def __len__(self) -> int:
        return len(self.packet)

    def taken(self, packets: Ints | slice) -> RtpPackets:
        """Only these packets, in this order."""
        return RtpPackets(
            self.data,
            self.packet[packets],
            self.time_ns[packets],
            self.ssrc[packets],
            self.sequence[packets],
            self.timestamp[packets],
            self.marker[packets],
            self.payload_type[packets],
            self.payload_start[packets],
            self.payload_bytes[packets],
            self.payload_captured_bytes[packets],
        )


@dataclass(frozen=True, slots=True, eq=False)
class Groups:
    """Packets that share SSRC, addresses and ports, group by group, each in order of arrival."""

    packets: RtpPackets
    bounds: Ints
    """Where each group begins, and where the last one ends."""
    even: Flags
    """Groups of one payload type whose numbers go on by one and whose timestamps by one step:
    nothing in them is to be judged."""
    steps: tuple[ClockStep, ...]
    """Of the capturing host's clock; `packets.time_ns` is already freed of them."""
    suspected: tuple[ClockStep, ...]
    """Steps forward that another capture would have to confirm."""

    def __len__(self) -> int:
        return len(self.even)


def rtp_groups(capture: Capture, ports: frozenset[int] | None) -> Groups:
    """The packets whose header says version 2 and no RTCP type, as groups.

    `ports` restricts the search to packets from or to one of these UDP ports.
    """
    packets = _candidates(capture, ports)
    group = _group_numbers(capture, packets)
    seen = Seen(
        time_ns=packets.time_ns,
        group=group,
        source=capture.source[packets.packet],
        sequence=packets.sequence,
        timestamp=packets.timestamp,
    )
    steps = steps_back(seen)
    if steps:
        time_ns = packets.time_ns.copy()
        for step in steps:
            time_ns[step.at :] -= round(step.step_ms * 1e6)
        packets, seen = replace(packets, time_ns=time_ns), replace(seen, time_ns=time_ns)
    suspected = steps_forward(seen)
    if (packets.time_ns[1:] < packets.time_ns[:-1]).any():
        order = np.lexsort((packets.time_ns, group))
    else:
        order = np.argsort(group, kind="stable")
    bounds = np.flatnonzero(np.diff(group[order], prepend=-1, append=-2))
    packets = packets.taken(order)
    return Groups(packets, bounds, _even(packets, bounds), tuple(steps), tuple(suspected))


def _even(packets: RtpPackets, bounds: Ints) -> Flags:
    first = np.zeros(len(packets) + 1, bool)
    first[bounds] = True
    units = difference(packets.timestamp[1:], packets.timestamp[:-1], 32)
    follows = difference(packets.sequence[1:], packets.sequence[:-1], 16) == 1
    follows &= (packets.payload_type[1:] == packets.payload_type[:-1]) & (units > 0)
    follows[1:] &= (units[1:] == units[:-1]) | first[1:-2]
    whole = np.concatenate([[True], follows])
    whole[first[:-1]] = True
    return np.logical_and.reduceat(whole, bounds[:-1]) if len(packets) else np.zeros(0, bool)


def _candidates(capture: Capture, ports: frozenset[int] | None) -> RtpPackets:
    mask = (capture.protocol == UDP) & (capture.payload_captured_bytes >= HEADER_BYTES)
    if capture.fragment.any():
        mask &= (capture.fragment != LATER) & ~undelivered(capture)
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
    captured = capture.payload_captured_bytes[packets] - header_bytes
    found = RtpPackets(
        data=capture.data,
        packet=packets,
        time_ns=capture.time_ns[packets],
        ssrc=numbers[:, 2],
        sequence=words[:, 1],
        timestamp=numbers[:, 1],
        marker=words[:, 0] >> 7 & 1 == 1,
        payload_type=kind,
        payload_start=start + header_bytes,
        payload_bytes=room,
        payload_captured_bytes=np.maximum(captured, 0),
    )
    no_rtcp = (kind < RTCP_TYPES.start) | (kind >= RTCP_TYPES.stop)
    return found.taken(np.flatnonzero(no_rtcp & (room >= 0)))


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


def _group_numbers(capture: Capture, packets: RtpPackets) -> Ints:
    """The group of each packet: those that share SSRC, addresses and ports."""
    group = packets.ssrc
    for address, port in (
        (capture.source, capture.source_port),
        (capture.destination, capture.destination_port),
    ):
        end = np.unique(address[packets.packet] << 16 | port[packets.packet], return_inverse=True)[
            1
        ]
        group = np.unique(group << 31 | end, return_inverse=True)[1].astype(np.int64)
    return group
