"""The configuration of every tor of a lab, and what its agents must know of the network."""

from __future__ import annotations

import json
import re
from ipaddress import IPv4Address, IPv4Network

from lab.errors import LabError
from lab.render.secrets import LabSecrets
from lab.render.templates import rendered
from lab.render.tor_keys import TorKeys
from lab.topology.model import Node, Topology
from lab.wire import places
from lab.wire.plain import to_plain
from lab.wire.ports import DIR_PORT, OR_PORT, SOCKS_PORT
from lab.wire.tor_network import IDLE_VOTING_INTERVAL_S, TorNetwork

NICKNAME_LENGTH = 19


def tor_files(topology: Topology, node: Node, secrets: LabSecrets) -> dict[str, bytes]:
    """The files of `node`, relay or client, relative to its directory in the project."""
    keys = secrets.tor
    files = {
        places.TORRC: render_torrc(topology, node, keys).encode(),
        places.TOR_NETWORK: render_network(topology, node, keys).encode(),
    }
    if node.name in keys.relays:
        for name, content in keys.relays[node.name].files.items():
            files[places.TOR_KEYS / name] = content
    return {places.in_project(place): content for place, content in files.items()}


def render_torrc(topology: Topology, node: Node, keys: TorKeys) -> str:
    """The torrc of `node`; LabError where tor would refuse the voting interval."""
    interval_s = topology.tor.voting_interval_s
    if interval_s < 10 or IDLE_VOTING_INTERVAL_S % interval_s:
        raise LabError(
            f"tor cannot vote every {interval_s} s",
            "Choose a voting_interval_s of at least 10 that divides 1800.",
        )
    return rendered(
        "torrc.relay.j2" if node.name in keys.relays else "torrc.client.j2",
        topology=topology,
        node=node,
        keys=keys,
        nickname=nickname(node.name),
        address=node_address(topology, node),
        authority={
            "name": topology.authority.name,
            "nickname": nickname(topology.authority.name),
            "address": node_address(topology, topology.authority),
        },
        outside=sorted(IPv4Network("0.0.0.0/0").address_exclude(topology.block)),
        or_port=OR_PORT,
        dir_port=DIR_PORT,
        socks_port=SOCKS_PORT,
        data_directory=places.TOR_DATA,
        idle_voting_interval_s=IDLE_VOTING_INTERVAL_S,
    )


def render_network(topology: Topology, node: Node, keys: TorKeys) -> str:
    """JSON for the agents in `node`: the authority, and every relay's fingerprint by name."""
    network = TorNetwork(
        node=node.name,
        authority=node.authority,
        directory=f"{node_address(topology, topology.authority)}:{DIR_PORT}",
        voting_interval_s=topology.tor.voting_interval_s,
        relays={name: relay.fingerprint for name, relay in keys.relays.items()},
    )
    return json.dumps(to_plain(network), indent=2) + "\n"


def node_address(topology: Topology, node: Node) -> IPv4Address:
    """The one address under which others know `node`: that of its machine's first link."""
    return topology.machine(node.name).links[0].address


def nickname(name: str) -> str:
    """A node's name as tor lets a relay be called: up to 19 letters and digits."""
    return re.sub(r"[^A-Za-z0-9]", "", name)[:NICKNAME_LENGTH] or "Unnamed"
