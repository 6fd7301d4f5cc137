"""The configuration of every tor of a lab, and what its agents must know of the network."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from lab.errors import LabError
from lab.render.obfs4 import Obfs4Identity
from lab.render.secrets import LabSecrets
from lab.render.templates import rendered
from lab.render.tor_keys import TorKeys
from lab.render.tor_options import tor_options, version_of
from lab.topology.model import Node, Topology
from lab.topology.nodelay import nodelay_at
from lab.wire import places
from lab.wire.plain import to_plain
from lab.wire.ports import DIR_PORT, OBFS4_PORT, OR_PORT, SOCKS_PORT
from lab.wire.tor_network import IDLE_VOTING_INTERVAL_S, BridgePort, TorNetwork

NICKNAME_LENGTH = 19


def tor_files(topology: Topology, node: Node, secrets: LabSecrets) -> dict[str, bytes]:
    """The files of `node`, relay or client, relative to its directory in the project."""
    keys = secrets.tor
    files = {
        places.TORRC: render_torrc(topology, node, keys, secrets.obfs4).encode(),
        places.TOR_NETWORK: render_network(topology, node, keys).encode(),
    }
    if node.name in keys.relays:
        for name, content in keys.relays[node.name].files.items():
            files[places.TOR_KEYS / name] = content
    if node.transport == "obfs4":
        files[places.OBFS4_STATE] = secrets.obfs4[node.name].state
    return {places.in_project(place): content for place, content in files.items()}


def render_torrc(
    topology: Topology,
    node: Node,
    keys: TorKeys,
    obfs4: Mapping[str, Obfs4Identity] | None = None,
    template: str | None = None,
    **more: Any,
) -> str:
    """The torrc of `node`; LabError where tor would refuse the voting interval.

    `template` is in place of a relay's, a bridge's or a client's, with `more` values of its own.
    """
    interval_s = topology.tor.voting_interval_s
    if interval_s < 10 or IDLE_VOTING_INTERVAL_S % interval_s:
        raise LabError(
            f"tor cannot vote every {interval_s} s",
            "Choose a voting_interval_s of at least 10 that divides 1800.",
        )
    return rendered(
        template or _template(node, keys),
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
        obfs4_port=OBFS4_PORT,
        obfs4_program=places.OBFS4_PROGRAM,
        socks_port=SOCKS_PORT,
        bridges=[_bridge_line(topology, name, keys, obfs4 or {}) for name in node.bridges],
        transports={topology.node(name).transport for name in node.bridges},
        data_directory=places.TOR_DATA,
        idle_voting_interval_s=IDLE_VOTING_INTERVAL_S,
        version=version_of(node).number,
        options=tor_options(topology, node),
        **more,
    )


def _template(node: Node, keys: TorKeys) -> str:
    if node.role == "bridge":
        return "torrc.bridge.j2"
    return "torrc.relay.j2" if node.name in keys.relays else "torrc.client.j2"


def _bridge_line(
    topology: Topology, name: str, keys: TorKeys, obfs4: Mapping[str, Obfs4Identity]
) -> str:
    """What a client's `Bridge` says of the bridge called `name`."""
    where, fingerprint = bridge_port(topology, topology.node(name)), keys.fingerprint(name)
    plain = f"{where.address}:{where.port} {fingerprint}"
    if where.transport == "vanilla":
        return plain
    return f"obfs4 {plain} cert={obfs4[name].certificate} iat-mode=0"


def bridge_port(topology: Topology, bridge: Node) -> BridgePort:
    """Where clients speak to a bridge."""
    port = OBFS4_PORT if bridge.transport == "obfs4" else OR_PORT
    return BridgePort(bridge.transport or "vanilla", node_address(topology, bridge), port)


def render_network(topology: Topology, node: Node, keys: TorKeys) -> str:
    """JSON for the agents in `node`: the authority, and every relay's fingerprint by name."""
    bridges = (node.name,) if node.role == "bridge" else node.bridges
    network = TorNetwork(
        node=node.name,
        authority=node.authority,
        directory=f"{node_address(topology, topology.authority)}:{DIR_PORT}",
        voting_interval_s=topology.tor.voting_interval_s,
        relays={relay.name: keys.fingerprint(relay.name) for relay in topology.with_role("relay")},
        bridges={name: keys.fingerprint(name) for name in bridges},
        transports={name: bridge_port(topology, topology.node(name)) for name in bridges},
        told_options=tuple(tor_options(topology, node)) if node.role == "relay" else (),
        nodelay=nodelay_at(topology, node),
    )
    return json.dumps(to_plain(network), indent=2) + "\n"


def node_address(topology: Topology, node: Node) -> IPv4Address:
    """The one address under which others know `node`: that of its machine's first link."""
    return topology.machine(node.name).links[0].address


def nickname(name: str) -> str:
    """A node's name as tor lets a relay be called: up to 19 letters and digits."""
    return re.sub(r"[^A-Za-z0-9]", "", name)[:NICKNAME_LENGTH] or "Unnamed"
