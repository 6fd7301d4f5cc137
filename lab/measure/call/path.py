"""The way of a call's voice: its ends, and what lies between them."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address


@dataclass(frozen=True, slots=True)
class Hop:
    """A host that the one before it sends the call's packets to, as their destination."""

    node: str
    address: IPv4Address


@dataclass(frozen=True, slots=True)
class EndNotes:
    """Where one end of the call is."""

    node: str
    home: IPv4Address
    """Its machine's own address."""
    address: IPv4Address
    """The address its voice leaves from: its home, or the one inside the tunnel."""
    point: str
    """The measuring point at which its voice can be captured in the clear, if it can."""

    @property
    def tunnelled(self) -> bool:
        """Whether its voice leaves through a tunnel device."""
        return self.address != self.home


@dataclass(frozen=True, slots=True)
class CalleeLeg:
    """The callee's own way to the server, where Tor hides that end as well."""

    hops: tuple[Hop, ...]
    """From the callee to the server: relays, guard first, then the server."""
    exit_machine: str
    """The exit relay."""
    circuit: tuple[str, ...]
    """The names of the relays of the callee's circuit, guard first."""
    socks_port: int | None = None
    """Mumble through Tor: the SOCKS port on the callee's machine."""
    closed: tuple[IPv4Address, ...] = ()
    """Addresses to which no packet may go from the callee's home: all must take the circuit."""


@dataclass(frozen=True, slots=True)
class OnionWay:
    """The onion service through which a call meets its server."""

    address: str
    service: str
    """The node whose tor it is."""
    relays: tuple[str, ...]
    """Those among which both sides' tors choose: no circuit of theirs can be asked for."""


@dataclass(frozen=True, slots=True)
class VoicePath:
    """The way of a call from the caller to the callee."""

    caller: EndNotes
    callee: EndNotes
    hops: tuple[Hop, ...]
    """From the caller to the server at which its voice meets the callee's: relays, VPN server,
    then the PBX, Murmur or the TURN server. What only forwards packets is none."""
    server: Hop
    """Whom the last machine before the server talks to for the call: one of the hops."""
    exit_machine: str | None
    """That machine: the exit relay, or the router in its place; None where no host stands
    between the caller and the server."""
    server_port: int | None = None
    """The TCP port of the call's connection to the server; None for phones without a tunnel."""
    client_connects: bool = False
    """Whether the caller's client opens its connection itself, while captures run: by that it is
    told from competing ones to the same port."""
    socks_port: int | None = None
    """Mumble and WebRTC through Tor: the SOCKS port on the caller's machine."""
    no_udp: bool = False
    """Whether the machines of both ends may neither send nor receive UDP: all voice is in TCP."""
    pinged: bool = True
    """Whether the round trip is measured by ping; Tor carries none outside a tunnel."""
    circuit: tuple[str, ...] = ()
    """The names of the relays of the caller's circuit, guard first; empty for a call without."""
    linked: bool = False
    """Whether these are the relays of a Conflux set: two guards, two middles, one exit."""
    paths: tuple[tuple[str, ...], ...] = ()
    """Of a call over several circuits the relays of each; the first is `circuit`."""
    closed: tuple[IPv4Address, ...] = ()
    """Addresses to which no packet may go from the caller's home: all must take the circuit."""
    callee_leg: CalleeLeg | None = None
    """None: the callee is at the server, with nothing between."""
    onion: OnionWay | None = None
    """None: the caller goes to the server's address."""

    @property
    def one_exit(self) -> bool:
        """Whether both ends' circuits leave from the same relay, where none tells them apart."""
        return self.callee_leg is not None and self.callee_leg.exit_machine == self.exit_machine
