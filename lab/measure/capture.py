"""A capture as arrays: one entry per packet, whatever file format and link type it came in."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lab.errors import LabError
from lab.measure.layer_names import Unread, link_type_name, tally
from lab.measure.link_layers import LINK_TYPES
from lab.measure.octets import Flags
from lab.measure.packets import read_headers
from lab.measure.pcap import Bytes, Ints, read_records

Address = IPv4Address | IPv6Address
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Capture:
    """The packets of one capture file, in file order; every array has one entry per packet.

    Of a packet in a packet (a tunnel in the clear) addresses, ports and lengths are the inner's.
    """

    path: Path
    data: Bytes
    """The whole file, mapped, for looking at payloads."""
    addresses: tuple[Address, ...]
    """Every IP address seen; `source` and `destination` are indices into it."""
    link_types: tuple[int, ...]
    cut_short: bool
    """The file ends in the middle of a packet, as a capture that was killed does."""
    untimed: int
    """Packets for which the file states no time."""
    unread: tuple[Unread, ...]
    """Packets in encapsulations that are not read, most frequent first."""
    time_ns: Ints
    """Nanoseconds since 1970, by the clock of the capturing host."""
    wire_bytes: Ints
    """Length of the frame at the link layer of the capture."""
    captured_bytes: Ints
    """How much of the frame stands in the file."""
    ip_bytes: Ints
    """Length of the IP packet with its header; 0 for what is no IP packet."""
    protocol: Ints
    """IP protocol number: 6 TCP, 17 UDP."""
    source: Ints
    destination: Ints
    """Index of the address, -1 for what is no IP packet."""
    source_port: Ints
    destination_port: Ints
    """0 where the packet has none."""
    tcp_flags: Ints
    """SYN, ACK and so on as in the header; 0 for what is no TCP."""
    payload_start: Ints
    """Offset in `data` of what follows the UDP or TCP header."""
    payload_bytes: Ints
    """Its length on the wire; of a datagram in fragments, in the first of them, all of it."""
    payload_captured_bytes: Ints
    """How much of it stands in the file, in this packet; in a later fragment, of its part."""
    datagram_bytes: Ints
    """Length of the datagram's IP packets with their headers: of all its fragments in the first
    of them, 0 in the others."""
    fragment: Ints
    """FIRST or LATER part of a datagram in fragments (`lab.measure.packets`), 0 for whole ones."""
    identification: Ints
    """What the fragments of one datagram have in common."""

    def __len__(self) -> int:
        return len(self.time_ns)

    @property
    def time_s(self) -> Floats:
        """Seconds since the first packet of the file."""
        seconds: Floats = (self.time_ns - self.time_ns[:1].sum()) / 1e9
        return seconds

    def index_of(self, address: Address | str) -> int:
        """The index of `address` in `addresses`, or -2 where it was never seen."""
        try:
            return self.addresses.index(ip_address(str(address)))
        except ValueError:
            return -2

    def touching(self, addresses: frozenset[Address], column: Ints) -> Flags:
        """Which packets have one of `addresses` in `column` (`source` or `destination`)."""
        return np.isin(column, [self.index_of(address) for address in addresses])

    def payload(self, packet: int) -> bytes:
        """What stands in the file of a packet's UDP or TCP payload."""
        start = int(self.payload_start[packet])
        return self.data[start : start + int(self.payload_captured_bytes[packet])].tobytes()


def read_capture(path: Path | str) -> Capture:
    """Read a pcap or pcapng file.

    Packets cut by a snap length are kept with what is known of them, and a file that ends
    in the middle of a packet is read up to there (`cut_short`). Raises LabError where the
    file cannot be read, is damaged, or has only link types that carry no readable IP.
    """
    path = Path(path)
    try:
        empty = path.stat().st_size == 0
        data = np.zeros(0, np.uint8) if empty else np.memmap(path, np.uint8, "r")
    except OSError as error:
        raise LabError(f"{path} cannot be read: {error.strerror}.") from error
    data = np.asarray(data)
    records = read_records(path, data)
    link_types = tuple(int(kind) for kind in np.unique(records.link_type))
    if link_types and not LINK_TYPES.intersection(link_types):
        raise LabError(
            f"{path} was captured on an interface of {link_type_name(link_types[0])}, "
            "which is not read here.",
            "Ethernet, raw IP, Linux cooked, loopback, MPLS, PPP, PPPoE and Cisco HDLC are.",
        )
    headers = read_headers(data, records)
    addresses, source, destination = _addresses(data, headers.ip_version, headers.source_at)
    return Capture(
        path=path,
        data=data,
        addresses=addresses,
        link_types=link_types,
        cut_short=records.cut_short,
        untimed=records.untimed,
        unread=tally(headers.stopped),
        time_ns=records.time_ns,
        wire_bytes=records.wire_bytes,
        captured_bytes=records.captured_bytes,
        ip_bytes=headers.ip_bytes,
        protocol=headers.protocol,
        source=source,
        destination=destination,
        source_port=headers.source_port,
        destination_port=headers.destination_port,
        tcp_flags=headers.tcp_flags,
        payload_start=headers.payload_start,
        payload_bytes=headers.payload_bytes,
        payload_captured_bytes=headers.payload_captured_bytes,
        datagram_bytes=headers.datagram_bytes,
        fragment=headers.fragment,
        identification=headers.identification,
    )


def _addresses(
    data: Bytes, version: Ints, source_at: Ints
) -> tuple[tuple[Address, ...], Ints, Ints]:
    """The distinct addresses, and for each packet the index of its source and destination."""
    found: list[Address] = []
    source = np.full(len(version), -1, np.int64)
    destination = source.copy()
    for number, width, pair_type in ((4, 4, "u8"), (6, 16, "V32")):
        packets = np.flatnonzero(version == number)
        packets = packets[source_at[packets] + 2 * width <= len(data)]
        if not len(packets):
            continue
        pairs = data[source_at[packets][:, None] + np.arange(2 * width)]
        # Few pairs talk, so finding the distinct pairs first leaves little to do after.
        distinct, inverse = np.unique(pairs.view(pair_type)[:, 0], return_inverse=True)
        table = {address: index for index, address in enumerate(found)}
        columns = []
        for at in (0, width):
            indices = []
            for pair in distinct:
                address = ip_address(pair.tobytes()[at : at + width])
                indices.append(table.setdefault(address, len(table)))
            columns.append(np.array(indices, np.int64)[inverse])
        found = list(table)
        source[packets], destination[packets] = columns
    return tuple(found), source, destination
