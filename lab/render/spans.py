"""A lab that spans hosts: what of its one plan each host has, and how its networks are joined."""

from __future__ import annotations

import json
from dataclasses import dataclass

from lab.render import labels
from lab.render.services import helper_services
from lab.topology.model import HERE, Host, Network, Node, Topology
from lab.wire.vxlan import OVERHEAD_BYTES, USUAL_MTU, Joint, identifier


@dataclass(frozen=True, slots=True)
class HostPart:
    """What of a lab is on one host: a compose project of its own, of the same name."""

    host: str
    engine: str
    """Empty of this host."""
    file: str
    """Its compose file, in the lab's project directory."""
    nodes: tuple[Node, ...]
    networks: tuple[Network, ...]
    """Those that a node of it is linked to."""

    @property
    def services(self) -> tuple[str, ...]:
        """All compose services of it."""
        return tuple(name for node in self.nodes for name in (node.name, *helper_services(node)))


def parts(topology: Topology) -> tuple[HostPart, ...]:
    """Every host's part of a lab; of one that spans no hosts, the only one."""
    if not topology.hosts:
        return (HostPart(HERE, "", compose_file(HERE), topology.nodes, topology.networks),)
    found = []
    for host in topology.hosts:
        nodes = topology.on_host(host.name)
        linked = {link.network for node in nodes for link in node.links}
        networks = tuple(network for network in topology.networks if network.name in linked)
        file = compose_file(host.name)
        found.append(HostPart(host.name, host.engine, file, nodes, networks))
    return tuple(found)


def compose_file(host: str) -> str:
    """The compose file of a host's part."""
    return "compose.yaml" if host == HERE else f"compose.{host}.yaml"


def mtu_of(topology: Topology) -> int | None:
    """The largest packet on the networks of a lab, bytes; None where that is Docker's own choice.

    One that spans hosts has it on all of its networks, so that no packet has to be cut between
    two of them.
    """
    if not topology.hosts:
        return None
    return min(USUAL_MTU, min(host.mtu for host in topology.hosts) - OVERHEAD_BYTES)


def spanning(topology: Topology) -> tuple[Network, ...]:
    """The networks that have a bridge on more than one host."""
    return tuple(
        network for network in topology.networks if len(topology.hosts_on(network.name)) > 1
    )


def joints(topology: Topology, host: Host, bridges: dict[str, str]) -> tuple[Joint, ...]:
    """How the networks go on from `host`; `bridges` is network → the device of its bridge there."""
    mtu = mtu_of(topology)
    assert mtu is not None
    found = []
    for network in spanning(topology):
        on = topology.hosts_on(network.name)
        if host in on:
            far = tuple(sorted(other.underlay for other in on if other != host))
            bridge, number = bridges[network.name], identifier(network.subnet)
            found.append(Joint(network.name, bridge, number, host.underlay, far, mtu))
    return tuple(found)


def host_labels(topology: Topology, part: HostPart) -> dict[str, str]:
    """What containers and networks of a host's part tell of the whole; nothing where it is all."""
    if not topology.hosts:
        return {}
    told = {labels.HOST: part.host}
    if part.host == HERE:
        engines = {host.name: host.engine for host in topology.others}
        told[labels.HOSTS] = json.dumps(engines, sort_keys=True)
    return told
