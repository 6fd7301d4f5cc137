"""The OpenVPN configuration of both ends of the tunnel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Any

from lab.render.network import TUNNEL_DEVICE
from lab.render.secrets import LabSecrets
from lab.render.templates import rendered
from lab.render.vpn_pki import Credential
from lab.topology.model import Node, Topology, Vpn
from lab.wire import places


@dataclass(frozen=True, slots=True)
class Instance:
    """One OpenVPN process in a node: where it finds what is its own."""

    directory: str = str(places.OPENVPN)
    """Of its key and certificate; may be relative to its working directory."""
    device: str = TUNNEL_DEVICE
    carried: bool = False
    """Whether a forwarder carries its datagrams, to and from which it speaks UDP on loopback."""


OF_THE_NODE = Instance()
"""The node's own OpenVPN, which `lab up` sets up."""


def vpn_server_files(topology: Topology, node: Node, secrets: LabSecrets) -> dict[str, bytes]:
    """The files of the OpenVPN server, relative to its node's directory in the project."""
    clients = {client.name: client.tunnel for client in topology.nodes if client.tunnel}
    credentials = secrets.credentials["vpn"]
    peers = {name: credentials[name] for name in clients}
    return _in_project(server_files(topology, topology.vpn, credentials[node.name], peers, clients))


def vpn_client_files(topology: Topology, node: Node, secrets: LabSecrets) -> dict[str, bytes]:
    """The files of a node's OpenVPN client, as above; none where it has no client."""
    own = secrets.credential("vpn", node.name)
    if own is None:
        return {}
    (server,) = topology.with_role("vpn-server")
    fingerprint = secrets.credentials["vpn"][server.name].fingerprint
    files = client_files(
        topology,
        topology.vpn,
        node.name,
        own,
        server_address=server.links[0].address,
        server_fingerprint=fingerprint,
    )
    for service in topology.nodes:
        if service.serves == server.name:
            files[places.OPENVPN_ONION.name] = _render(
                "client",
                topology,
                topology.vpn,
                OF_THE_NODE,
                name=node.name,
                server_address=secrets.onions[service.name].address,
                server_fingerprint=fingerprint,
            )
    return _in_project(files)


def _in_project(files: Mapping[str, str]) -> dict[str, bytes]:
    directory = places.in_project(places.OPENVPN)
    return {f"{directory}/{name}": text.encode() for name, text in files.items()}


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
    return rendered(
        f"openvpn.{end}.conf.j2",
        topology=topology,
        vpn=vpn,
        device=instance.device,
        directory=instance.directory,
        carried=instance.carried,
        **values,
    )
