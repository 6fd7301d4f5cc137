"""What the user wrote → the topology of one lab, with every address and route decided."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network
from itertools import islice

from lab.errors import LabError
from lab.places.distance import Distances
from lab.roles import ROLES
from lab.topology.distances import with_distances
from lab.topology.mistakes import Mistake, TopologyError
from lab.topology.model import (
    Host,
    Link,
    Network,
    Node,
    PbxKind,
    PbxProfile,
    Topology,
    TorSettings,
    Vpn,
)
from lab.topology.names import is_name
from lab.topology.raw import RawLink, RawNode, RawQueue, RawShape, RawTopology
from lab.topology.routes import shortest_routes
from lab.topology.tor import consensus_parameters, runs_tor
from lab.wire.nodelay import Place
from lab.wire.shape import (
    DEFAULT_QUEUE_PACKETS,
    Distribution,
    FifoKind,
    Queue,
    Shape,
    ShaperKind,
)

SUBNET_PREFIX = 24
"""The size of the networks cut from a lab's block."""
SMALLEST_BLOCK_PREFIX = 20
"""The block of a lab with up to fifteen networks of its own, and the VPN."""


def block_prefix(raw: RawTopology) -> int:
    """How long the prefix of a block may be in which every network finds a subnet."""
    subnets = _own_subnets(raw) + 1
    return min(SMALLEST_BLOCK_PREFIX, SUBNET_PREFIX - (subnets - 1).bit_length())


def _own_subnets(raw: RawTopology) -> int:
    return len(raw.networks) - len(raw.fixed_subnets)


def resolve(raw: RawTopology, lab_name: str, block: IPv4Network, pbx: PbxKind) -> Topology:
    """Decide every address and route of a checked topology.

    The networks take the /24s of `block` in order and the VPN its last one, around the
    subnets the user fixed. A bridge has the first address of its network; the nodes
    follow in their order. The tunnel's first address is the server's.

    Raises:
        LabError: the lab's name cannot be used.
        TopologyError: `block` has too few subnets.
    """
    if not is_name(lab_name):
        raise LabError(
            f"{lab_name[:40]!a} cannot be the name of a lab",
            "Use lowercase letters, digits and hyphens, at most 30, beginning with a letter.",
        )
    subnets, tunnel_subnet = _subnets(raw, block)
    networks = tuple(
        Network(name, subnet, bridge=bridge_address(subnet)) for name, subnet in subnets.items()
    )
    links = _links(raw, subnets)
    tunnel = tunnel_subnet.hosts()
    vpn = Vpn(
        tunnel_subnet,
        next(tunnel),
        raw.vpn.port,
        raw.vpn.cipher,
        raw.vpn.digest,
        nodelay=raw.vpn.nodelay,
    )

    nodes: list[Node] = []
    for name, node in raw.nodes.items():
        nodes.append(
            Node(
                name=name,
                role=node.role,
                links=links[name],
                on=node.on,
                routes=(),
                forwards=node.does_forward and node.on is None,
                authority=node.authority,
                extension=node.extension,
                tor=node.tor,
                bridges=tuple(node.bridges),
                transport=node.transport or ("vanilla" if node.role == "bridge" else None),
                tunnel=next(tunnel) if node.vpn else None,
                place=node.place,
                host=node.host,
                tor_version=_tor_version(raw, node),
                bandwidth_rate_kbps=node.bandwidth_rate,
                bandwidth_burst_kbps=node.bandwidth_burst or node.bandwidth_rate,
            )
        )
        if beside := ROLES.all[node.role].beside:
            added = beside(name, node, pbx)
            nodes.extend(
                replace(each, tor_version=raw.tor.version) if each.serves else each
                for each in added
            )
    routes = shortest_routes(nodes, networks, raw.tor.circuit)
    return Topology(
        lab=lab_name,
        name=raw.name,
        description=raw.description,
        block=block,
        networks=networks,
        nodes=with_distances(
            [replace(node, routes=routes.get(node.name, ())) for node in nodes],
            {name for name, network in raw.networks.items() if network and network.distances},
            _distances(raw),
        ),
        pbx=pbx,
        pbx_profile=PbxProfile(raw.pbx_profile) if pbx is PbxKind.FREESWITCH else None,
        codecs=tuple(raw.codecs),
        vpn=vpn,
        tor=TorSettings(
            raw.tor.voting_interval_s,
            tuple(raw.tor.circuit),
            raw.tor.conflux,
            raw.tor.scheduler,
            consensus_parameters(raw.tor),
            callee_circuit=tuple(raw.tor.callee_circuit),
            hops=raw.tor.hops,
            nodelay=Place(raw.tor.nodelay),
            selection=raw.tor.selection,
        ),
        congestion_control=raw.congestion_control,
        hosts=tuple(
            Host(name, host.engine or "", host.underlay, host.mtu)
            for name, host in raw.hosts.items()
        ),
    )


def _tor_version(raw: RawTopology, node: RawNode) -> str | None:
    return (node.tor_version or raw.tor.version) if runs_tor(node) else None


def _distances(raw: RawTopology) -> Distances:
    pairs = {frozenset(pair.between): pair.delay_ms for pair in raw.distances.pairs}
    return Distances(raw.distances.stretch, pairs)


def bridge_address(subnet: IPv4Network) -> IPv4Address:
    """The host's own address on a network: its first."""
    return subnet.network_address + 1


def _subnets(raw: RawTopology, block: IPv4Network) -> tuple[dict[str, IPv4Network], IPv4Network]:
    """The subnet of every network, in the topology's order, and the VPN's."""
    fixed = raw.fixed_subnets
    wanted = _own_subnets(raw) + 1
    size = max(SUBNET_PREFIX, block.prefixlen)
    free = [
        subnet
        for subnet in block.subnets(new_prefix=size)
        if not any(subnet.overlaps(taken) for taken in fixed.values())
    ]
    if len(free) < wanted:
        message = f"needs {wanted} subnets of /{SUBNET_PREFIX}, but {block} has {len(free)} free"
        raise TopologyError(raw.name, [Mistake(("networks",), message)])
    own: Iterator[IPv4Network] = iter(free)
    return {name: fixed.get(name) or next(own) for name in raw.networks}, free[-1]


def _links(raw: RawTopology, subnets: dict[str, IPv4Network]) -> dict[str, tuple[Link, ...]]:
    """The links of every node; addresses the user did not fix are given out in order."""
    fixed: dict[str, set[IPv4Address]] = {name: set() for name in subnets}
    for node in raw.nodes.values():
        for network, link in node.links.items():
            if link is not None and link.address is not None:
                fixed[network].add(link.address)

    def unused(network: str) -> Iterator[IPv4Address]:
        hosts = islice(subnets[network].hosts(), 1, None)
        return (address for address in hosts if address not in fixed[network])

    pools = {name: unused(name) for name in subnets}
    links: dict[str, tuple[Link, ...]] = {}
    for name, node in raw.nodes.items():
        written = [(network, link or RawLink()) for network, link in node.links.items()]
        links[name] = tuple(
            Link(
                network,
                link.address or next(pools[network]),
                sends=_shape(link),
                receives=_shape(link.receives),
            )
            for network, link in written
        )
    return links


def _shape(raw: RawShape | None) -> Shape | None:
    """One direction of a link; None where nothing was asked of it."""
    if raw is None:
        return None
    shape = Shape(
        raw.rate_kbps,
        _queue(raw.queue or RawQueue()),
        delay_ms=raw.delay_ms,
        jitter_ms=raw.jitter_ms,
        distribution=Distribution(raw.distribution),
        loss_pct=raw.loss_pct,
        reorders=raw.reorder,
    )
    return None if shape.is_open else shape


def _queue(raw: RawQueue) -> Queue:
    if raw.bytes is not None:
        return Queue(ShaperKind(raw.kind), FifoKind.BFIFO, raw.bytes)
    return Queue(ShaperKind(raw.kind), FifoKind.PFIFO, raw.packets or DEFAULT_QUEUE_PACKETS)
