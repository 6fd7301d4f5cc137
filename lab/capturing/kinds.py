"""The kinds of traffic in a lab, each known by its ports: as a filter, and of one packet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from lab.wire.ports import (
    DIR_PORT,
    MUMBLE_PORT,
    OBFS4_PORT,
    OR_PORT,
    RTP_PORTS,
    SIP_PORT,
    TURN_PORT,
)

Protocol = Literal["tcp", "udp"]

VOICE, TUNNEL, TOR, SIP = "voice", "tunnel", "tor", "sip"
KINDS: Mapping[str, str] = {
    VOICE: "RTP and RTCP, and the connections of Mumble and of WebRTC",
    TUNNEL: "OpenVPN",
    TOR: "Tor's own protocol: between relays, bridges and clients, and to the directory",
    SIP: "SIP, by which phones set calls up",
}
"""What a capture can be filtered to, in words for people."""
LATER_FRAGMENT = "udp and ip[6:2] & 0x1fff != 0"
"""Any part of a datagram that is not its first, and so has no ports."""


@dataclass(frozen=True, slots=True)
class Ports:
    """A range of ports that servers of a lab have, the same in every node."""

    protocol: Protocol
    first: int
    last: int

    @property
    def filter(self) -> str:
        """Packets from or to them, in pcap-filter(7)'s words."""
        if self.first == self.last:
            return f"{self.protocol} port {self.first}"
        return f"{self.protocol} portrange {self.first}-{self.last}"

    def has(self, port: int | None) -> bool:
        """Whether a port is one of them."""
        return port is not None and self.first <= port <= self.last


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of traffic."""

    name: str
    """One of `KINDS`."""
    ports: tuple[Ports, ...]
    in_fragments: bool = False
    """Whether its datagrams may be larger than a packet."""

    @property
    def filter(self) -> str:
        """Its packets, in pcap-filter(7)'s words; of which datagram a fragment is, none can say."""
        parts = [ports.filter for ports in self.ports]
        parts += [LATER_FRAGMENT] if self.in_fragments else []
        return " or ".join(f"({part})" for part in parts)

    def has(self, protocol: str, *ports: int | None) -> bool:
        """Whether a packet of that protocol, from and to these ports, is known to be of it."""
        return any(
            own.protocol == protocol and own.has(port) for own in self.ports for port in ports
        )


def kinds(vpn_port: int) -> Mapping[str, Kind]:
    """Every kind by its name, in a lab whose OpenVPN server listens at that TCP port."""
    voice = (Ports("udp", *RTP_PORTS), _tcp(MUMBLE_PORT), _tcp(TURN_PORT))
    every = (
        Kind(VOICE, voice, in_fragments=True),
        Kind(TUNNEL, (_tcp(vpn_port),)),
        Kind(TOR, (_tcp(OR_PORT), _tcp(OBFS4_PORT), _tcp(DIR_PORT))),
        Kind(SIP, (Ports("udp", SIP_PORT, SIP_PORT),), in_fragments=True),
    )
    return {kind.name: kind for kind in every}


def packet_filter(wanted: Iterable[Kind]) -> str:
    """What belongs to any of these, in pcap-filter(7)'s words; empty, which is all, for none."""
    return " or ".join(kind.filter for kind in wanted)


def _tcp(port: int) -> Ports:
    return Ports("tcp", port, port)
