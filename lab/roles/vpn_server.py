"""The OpenVPN server; owns the network namespace of the server machine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from lab.lazy import Lazy
from lab.role import (
    WHEN_ROUTED,
    Component,
    Program,
    Role,
    SecretKind,
    ServerSocket,
    TunnelEnd,
)
from lab.roles.onion_service import KEY as ONION
from lab.roles.onion_service import check_service, service_beside
from lab.topology.mistakes import Mistake
from lab.wire import places

if TYPE_CHECKING:
    from lab.topology.draft import Draft
    from lab.topology.model import Node, Topology

MAX_CLIENTS = 200
"""The addresses of the tunnel's subnet, but for some."""


def _check(draft: Draft) -> Iterator[Mistake]:
    """Clients without a server, too many of them, and a PBX that is not where they come out."""
    nodes = draft.raw.nodes
    clients = [name for name, node in nodes.items() if node.vpn]
    servers = draft.with_role("vpn-server")
    yield from check_service(draft, "vpn-server")
    if len(clients) > MAX_CLIENTS:
        message = f"has {len(clients)} VPN clients; the tunnel has room for {MAX_CLIENTS}"
        yield Mistake(("nodes",), message)
    if not servers:
        if draft.is_certain("nodes", "*", "role"):
            for name in clients:
                yield Mistake(("nodes", name, "vpn"), "needs a node with `role: vpn-server`")
        return
    for name in draft.with_role("pbx") if clients else []:
        place = ("nodes", name, "on")
        host = nodes[name].on
        is_plain = draft.is_certain(*place) if host is None else host in nodes and host != name
        if is_plain and host not in servers:
            message = f"must be {servers[0]}, where the calls through the VPN come out"
            yield Mistake(place, message)


def _secrets(_topology: Topology, _node: Node) -> Mapping[str, SecretKind]:
    return {"vpn": SecretKind.CREDENTIAL}


OPENVPN = Program(
    image="vpn-server",
    command=(*WHEN_ROUTED, "openvpn", "--config", str(places.OPENVPN_SERVER)),
    files=(Lazy("lab.render.openvpn", "vpn_server_files"),),
    socket=lambda topology: ServerSocket("tcp", topology.vpn.port),
    components=(Component("openvpn", "GPL 2"),),
)
ROLE = Role(
    name="vpn-server",
    description="of OpenVPN",
    position=40,
    programs=(OPENVPN,),
    forwards=True,
    is_single=True,
    keys=(ONION,),
    check=_check,
    beside=service_beside,
    secrets=_secrets,
    tunnel_end=lambda topology, _: TunnelEnd(topology.vpn.server),
)
