"""A captured packet as a line for a person, and as plain values for a program."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from ipaddress import IPv4Address
from typing import Any

from lab.capturing.kinds import SIP, VOICE, Kind
from lab.capturing.packet import Packet
from lab.render.network import TUNNEL_DEVICE
from lab.roles import ROLES
from lab.topology.model import Topology

MAX_SIP_LINE = 70
_RTP_VERSION = 2
_RTCP_TYPES = range(192, 224)
"""What the second byte of RTCP is, and that of RTP is not (RFC 5761, 4)."""
_FLAGS = {0x02: "SYN", 0x01: "FIN", 0x04: "RST"}
_ICMP = {0: "echo reply", 3: "unreachable", 8: "echo request", 11: "time exceeded"}


class Wording:
    """Puts packets of one lab into words: its nodes by their names, its traffic by kind."""

    def __init__(self, names: Mapping[IPv4Address, str], kinds: Iterable[Kind]) -> None:
        """`names` are those of addresses; what has none is shown as it is."""
        self._names = names
        self._kinds = tuple(kinds)

    def line(self, packet: Packet) -> str:
        """The local time, from where to where, what it is, and the length of its frame."""
        at = datetime.fromtimestamp(packet.time_ns / 1e9).astimezone()
        ends = ""
        if packet.source is not None and packet.destination is not None:
            source = self._end(packet.source, packet.source_port)
            ends = f" {source} > {self._end(packet.destination, packet.destination_port)}"
        kind = self._kind(packet)
        about = ": ".join(filter(None, (kind or packet.protocol, _what(packet, kind))))
        return f"{at:%H:%M:%S.%f}{ends} {about} ({packet.wire_bytes} bytes)"

    def json_line(self, packet: Packet) -> str:
        """Its `values`."""
        return json.dumps(self.values(packet))

    def values(self, packet: Packet) -> dict[str, Any]:
        """The same as JSON has it, the time in nanoseconds since 1970."""
        kind = self._kind(packet)
        return {
            "time_ns": packet.time_ns,
            "from": None if packet.source is None else self._names.get(packet.source),
            "source": packet.source and str(packet.source),
            "source_port": packet.source_port,
            "to": None if packet.destination is None else self._names.get(packet.destination),
            "destination": packet.destination and str(packet.destination),
            "destination_port": packet.destination_port,
            "protocol": packet.protocol,
            "kind": kind,
            "what": _what(packet, kind),
            "bytes": packet.wire_bytes,
        }

    def _kind(self, packet: Packet) -> str | None:
        ports = (packet.source_port, packet.destination_port)
        return next((kind.name for kind in self._kinds if kind.has(packet.protocol, *ports)), None)

    def _end(self, address: IPv4Address, port: int | None) -> str:
        name = self._names.get(address, str(address))
        return name if port is None else f"{name}:{port}"


def address_names(topology: Topology) -> dict[IPv4Address, str]:
    """Every address of a lab → node/network, and node/tun0 inside the tunnel."""
    names = {
        link.address: f"{node.name}/{link.network}"
        for node in topology.nodes
        for link in node.links
    }
    for node in topology.nodes:
        end = ROLES.all[node.role].tunnel(topology, node)
        if end is not None:
            names[end.address] = f"{node.name}/{TUNNEL_DEVICE}"
    return names


def _what(packet: Packet, kind: str | None) -> str:
    """What a packet does or carries, as far as it can be seen; empty for what is not read here."""
    if packet.later_fragment:
        return "rest of a datagram"
    if packet.protocol == "tcp":
        return _tcp(packet)
    if packet.protocol == "icmp":
        first = packet.payload[:1]
        return _ICMP.get(first[0], f"type {first[0]}") if first else ""
    if kind == VOICE:
        return _voice(packet)
    if kind == SIP:
        return _first_line(packet.payload)
    return f"{packet.payload_bytes} of data" if packet.protocol == "udp" else ""


def _tcp(packet: Packet) -> str:
    said = [name for flag, name in _FLAGS.items() if packet.flags & flag]
    said += [f"{packet.payload_bytes} of data"] if packet.payload_bytes else []
    return ", ".join(said) or "ACK"


def _voice(packet: Packet) -> str:
    data = packet.payload
    if len(data) < 4 or data[0] >> 6 != _RTP_VERSION:
        return f"{packet.payload_bytes} of data"
    if data[1] in _RTCP_TYPES:
        return "RTCP"
    return f"RTP type {data[1] & 0x7F}, number {int.from_bytes(data[2:4])}"


def _first_line(data: bytes) -> str:
    """In ASCII that no terminal takes for a command."""
    line = data.split(b"\r\n", 1)[0].decode("ascii", "replace")
    shown = "".join(letter if " " <= letter <= "~" else "?" for letter in line)
    return shown if len(shown) <= MAX_SIP_LINE else f"{shown[: MAX_SIP_LINE - 3]}..."
