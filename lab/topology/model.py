"""The resolved topology: what a lab consists of, with every address and route decided.

Pure values. Nothing here knows YAML (`lab.topology.raw`) or Docker (`lab.engine`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network
from typing import Literal

from lab.roles import ROLES
from lab.wire.network import Route
from lab.wire.nodelay import Place
from lab.wire.shape import Direction, Shape

HERE = "here"
"""What the host is called on which the lab's own commands run."""


class PbxKind(StrEnum):
    """The telephone exchanges the lab can run."""

    FREESWITCH = "freeswitch"
    KAMAILIO = "kamailio"

    @classmethod
    def without_host(cls, wanted: str) -> PbxKind:
        """What a topology asks for; of `auto`, the one that every host has."""
        return cls.KAMAILIO if wanted == "auto" else cls(wanted)


class PbxProfile(StrEnum):
    """How FreeSWITCH passes voice on."""

    STEADY = "steady"
    """Each packet as it comes."""
    STOCK = "stock"
    """As its own default profile: by a soft timer, and what has piled up is thrown away."""


@dataclass(frozen=True, slots=True)
class Host:
    """A host that the lab spans."""

    name: str
    engine: str
    """Such as `ssh://you@host`; empty of `here`, where it is the one that `docker` uses."""
    underlay: IPv4Address
    """Its own address, by which the hosts reach one another."""
    mtu: int
    """The largest packet that goes from it to the others, bytes."""


@dataclass(frozen=True, slots=True)
class Network:
    """A Docker bridge network of the lab; of a lab that spans hosts one bridge on each."""

    name: str
    subnet: IPv4Network
    bridge: IPv4Address
    """The host's own address on the bridge: made unreachable from every node."""


@dataclass(frozen=True, slots=True)
class Link:
    """A node's attachment to a network."""

    network: str
    address: IPv4Address
    sends: Shape | None
    """What happens to what the node sends here; None is nothing."""
    receives: Shape | None = None
    """What happens to what the node receives here; None is nothing."""

    @property
    def rate_kbps(self) -> int | None:
        """The cap on what the node sends here, kbit/s at Ethernet level; None is uncapped."""
        return self.sends.rate_kbps if self.sends else None

    def shape(self, direction: Direction) -> Shape:
        """What the topology wants of one direction."""
        return (self.sends if direction is Direction.OUT else self.receives) or Shape()


@dataclass(frozen=True, slots=True)
class Vpn:
    """The OpenVPN tunnel of a lab."""

    subnet: IPv4Network
    server: IPv4Address
    """The server's address inside the tunnel."""
    port: int
    cipher: str
    """A `--data-ciphers` name, for instance AES-256-GCM."""
    digest: str
    """An `--auth` name; without effect under an AEAD cipher."""
    nodelay: bool = True
    """Whether both ends set TCP_NODELAY (`--tcp-nodelay`)."""


@dataclass(frozen=True, slots=True)
class TorSettings:
    """The parameters of the private Tor network."""

    voting_interval_s: int
    circuit: tuple[str, ...]
    """The default path, node names from guard to exit; empty: chosen from the seed."""
    conflux: str = "off"
    """`off`, `latency` or `throughput`."""
    scheduler: str | None = None
    """`kist` or `kistlite`; None leaves it to Tor."""
    consensus: Mapping[str, int] = field(default_factory=dict)
    """The parameters that the authority votes for, by Tor's names."""
    callee_circuit: tuple[str, ...] = ()
    """The same of the callee's Tor client, which calls with both ends anonymous have."""
    hops: int = 3
    """How many relays a path has that is chosen from the seed."""
    nodelay: Place = Place.NONE
    """Which Tor processes set TCP_NODELAY."""
    selection: Literal["uniform", "bandwidth"] = "uniform"
    """How a seed chooses relays: each alike, or in proportion to their bandwidth."""


@dataclass(frozen=True, slots=True)
class Node:
    """One container of the lab."""

    name: str
    role: str
    """The name of one of `lab.roles`."""
    links: tuple[Link, ...]
    """Empty where the node shares another node's network namespace (`on`)."""
    on: str | None
    """The node on whose machine (network namespace) this one runs."""
    routes: tuple[Route, ...]
    """To every network without a link, shortest path; empty for nodes with `on`."""
    forwards: bool
    authority: bool = False
    """Relays only: also the directory authority."""
    extension: str | None = None
    """Endpoints only: the number the phone registers under."""
    tor: bool = False
    """Endpoints only: runs a Tor client."""
    bridges: tuple[str, ...] = ()
    """Endpoints with a Tor client only: the bridges by which it enters; empty: it needs none."""
    transport: str | None = None
    """Bridges only: how clients speak to them, `vanilla` or `obfs4`."""
    tunnel: IPv4Address | None = None
    """Endpoints with a VPN client only: their address inside the tunnel."""
    place: str | None = None
    """The city it stands in."""
    tor_version: str | None = None
    """The name of its Tor, one of `lab.tor_versions`; None where it runs none."""
    bandwidth_rate_kbps: int | None = None
    """Relays only: what Tor limits itself to; None is no limit of the topology's."""
    bandwidth_burst_kbps: int | None = None
    serves: str | None = None
    """Onion services only: the node that they make reachable."""
    host: str = HERE
    """The host on which its machine runs."""

    @property
    def bandwidth_kbps(self) -> int | None:
        """What a relay offers, by which clients weigh it: its BandwidthRate, or its slowest link's.

        None where the topology limits neither.
        """
        rates = [link.rate_kbps for link in self.links if link.rate_kbps is not None]
        return self.bandwidth_rate_kbps or min(rates, default=None)

    @property
    def has_delays(self) -> bool:
        """Whether what it sends or receives takes time: then a delay line stands beside it."""
        return any(link.shape(way).takes_time for link in self.links for way in Direction)

    def address_on(self, network: str) -> IPv4Address:
        """The node's address on `network`; KeyError where it has no link to it."""
        for link in self.links:
            if link.network == network:
                return link.address
        raise KeyError(network)


@dataclass(frozen=True, slots=True)
class Topology:
    """A checked topology with a lab's name and addresses: what `lab.render` renders."""

    lab: str
    """The lab's name; several labs run side by side under different names."""
    name: str
    """The topology's own name."""
    description: str
    block: IPv4Network
    """Every subnet of the lab lies in this block, but for those the user fixed."""
    networks: tuple[Network, ...]
    nodes: tuple[Node, ...]
    pbx: PbxKind
    codecs: tuple[str, ...]
    """What the PBX lets through, in order of preference: PCMU, PCMA, GSM, ..."""
    vpn: Vpn
    tor: TorSettings
    congestion_control: str
    """TCP congestion control, set on every route of every node."""
    pbx_profile: PbxProfile | None = None
    """None of an exchange that has no such choice."""
    hosts: tuple[Host, ...] = ()
    """Those that the lab spans, `here` among them; empty: it is on this one alone."""

    @property
    def others(self) -> tuple[Host, ...]:
        """The hosts other than this one."""
        return tuple(host for host in self.hosts if host.name != HERE)

    def host(self, name: str) -> Host:
        """The host called `name`; KeyError where there is none."""
        for host in self.hosts:
            if host.name == name:
                return host
        raise KeyError(name)

    def on_host(self, name: str) -> tuple[Node, ...]:
        """The nodes that run on that host."""
        return tuple(node for node in self.nodes if self.host_of(node.name) == name)

    def host_of(self, node: str) -> str:
        """The name of the host on which a node runs: that of its machine."""
        return self.machine(node).host

    def hosts_on(self, network: str) -> tuple[Host, ...]:
        """The hosts that have a machine on `network`."""
        names = {node.host for node in self.nodes for link in node.links if link.network == network}
        return tuple(host for host in self.hosts if host.name in names)

    def node(self, name: str) -> Node:
        """The node called `name`; KeyError where there is none."""
        for node in self.nodes:
            if node.name == name:
                return node
        raise KeyError(name)

    def machine(self, name: str) -> Node:
        """The node that owns the network namespace in which `name` runs."""
        node = self.node(name)
        return self.machine(node.on) if node.on else node

    def guests(self, machine: str) -> tuple[str, ...]:
        """The nodes that run in the network namespace of `machine`, which is another's."""
        found = (node.name for node in self.nodes if self.machine(node.name).name == machine)
        return tuple(name for name in found if name != machine)

    @property
    def places(self) -> dict[str, str]:
        """Node → the city in which its machine stands, of those that stand in one."""
        cities = {node.name: self.machine(node.name).place for node in self.nodes}
        return {name: city for name, city in cities.items() if city is not None}

    def network(self, name: str) -> Network:
        """The network called `name`; KeyError where there is none."""
        for network in self.networks:
            if network.name == name:
                return network
        raise KeyError(name)

    def with_role(self, role: str) -> tuple[Node, ...]:
        """Every node of that role, in the topology's order; UsageError for a role there is not."""
        name = ROLES.named(role).name
        return tuple(node for node in self.nodes if node.role == name)

    @property
    def circuit_relays(self) -> tuple[Node, ...]:
        """The relays among which a seed chooses: not the authority where three others remain."""
        relays = self.with_role("relay")
        others = tuple(relay for relay in relays if not relay.authority)
        return others if len(others) >= 3 else relays

    @property
    def authority(self) -> Node:
        """The directory authority."""
        return next(node for node in self.with_role("relay") if node.authority)
