"""The OpenVPN configuration of both ends of the tunnel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from lab.render.network import TUNNEL_DEVICE
from lab.render.vpn_pki import Credential
from lab.topology.model import Node, Role, Topology, Vpn
from lab.wire import places

TEMPLATES = Path(__file__).parents[2] / "compose"


@dataclass(frozen=True, slots=True)
class Instance:
    """One OpenVPN process in a node: where it finds what is its own."""

    directory: str = str(places.OPENVPN)
    """Of its key and certificate; may be relative to its working directory."""
    device: str = TUNNEL_DEVICE


OF_THE_NODE = Instance()
"""The node's own OpenVPN, which `lab up` sets up."""


def openvpn_files(
    topology: Topology, node: Node, credentials: Mapping[str, Credential]
) -> dict[str, bytes]:
    """The files of `node`, server or client, relative to its directory in the project."""
    server = topology.with_role(Role.VPN_SERVER)[0]
    if node.role is Role.VPN_SERVER:
        clients = {n.name: n.tunnel for n in topology.with_role(Role.ENDPOINT) if n.tunnel}
        peers = {name: credentials[name] for name in clients}
        files = server_files(topology, topology.vpn, credentials[node.name], peers, clients)
    else:
        files = client_files(
            topology,
            topology.vpn,
            node.name,
            credentials[node.name],
            server_address=server.links[0].address,
            server_fingerprint=credentials[server.name].fingerprint,
        )
    return {
        f"{places.in_project(places.OPENVPN)}/{name}": text.encode() for name, text in files.items()
    }


def server_files(
    topology: Topology,
    vpn: Vpn,
    own: Credential,
    peers: Mapping[str, Credential],
    addresses: Mapping[str, IPv4Address],
    instance: Instance = OF_THE_NODE,
) -> dict[str, str]:
    """`server.conf` and what it refers to; `addresses` are those of the peers in the tunnel."""
    fingerprints = [peer.fingerprint for peer in peers.values()]
    files = _own_files(own)
    files["server.conf"] = _render("server", topology, vpn, instance, peers=fingerprints)
    for name, address in addresses.items():
        files[f"clients/{name}"] = f"ifconfig-push {address} {vpn.subnet.netmask}\n"
    return files


def client_files(
    topology: Topology,
    vpn: Vpn,
    name: str,
    own: Credential,
    *,
    server_address: IPv4Address,
    server_fingerprint: str,
    instance: Instance = OF_THE_NODE,
) -> dict[str, str]:
    """`client.conf` and what it refers to."""
    conf = _render(
        "client",
        topology,
        vpn,
        instance,
        name=name,
        server_address=server_address,
        server_fingerprint=server_fingerprint,
    )
    return {**_own_files(own), "client.conf": conf}


def _own_files(own: Credential) -> dict[str, str]:
    return {"certificate.pem": own.certificate_pem, "key.pem": own.key_pem}


def _render(end: str, topology: Topology, vpn: Vpn, instance: Instance, **values: Any) -> str:
    environment = Environment(  # noqa: S701 - no HTML
        loader=FileSystemLoader(TEMPLATES), undefined=StrictUndefined, keep_trailing_newline=True
    )
    return environment.get_template(f"openvpn.{end}.conf.j2").render(
        topology=topology, vpn=vpn, device=instance.device, directory=instance.directory, **values
    )
