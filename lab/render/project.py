"""The complete compose project of a lab, as a set of files in memory."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from lab import __version__, storage
from lab.render import labels
from lab.render.network import machine_network
from lab.render.owner import Owner
from lab.render.pbx import sip_passwords
from lab.render.secrets import LabSecrets
from lab.render.services import LINE_CPU_SHARES, delay_service, network_service, service_of
from lab.render.spans import HostPart, host_labels, mtu_of, parts, spanning
from lab.render.templates import rendered
from lab.roles import program_of
from lab.topology.model import Network, Node, Topology
from lab.wire import places
from lab.wire.messages import write
from lab.wire.network import MachineNetwork, SetUpNetwork
from lab.wire.plain import to_plain

CALLS = "calls"
"""The directory in which calls in progress leave their files."""


@dataclass(frozen=True, slots=True)
class Project:
    """Every file of a compose project, by its path relative to the project's directory."""

    files: Mapping[str, bytes]
    directories: tuple[str, ...]
    """Directories that are mounted into nodes, files in them or not."""
    fingerprint: str
    """Digest of topology, images and version; equal for equal labs, whatever their secrets."""


def project_fingerprint(topology: Topology, images: Mapping[str, str], owner: Owner) -> str:
    """The digest that tells whether a running lab is still what would be rendered now."""
    parts = [__version__, asdict(topology), dict(images), asdict(owner)]
    return hashlib.sha256(json.dumps(parts, default=str, sort_keys=True).encode()).hexdigest()[:16]


def render_project(
    topology: Topology,
    source: str,
    secrets: LabSecrets,
    images: Mapping[str, str],
    owner: Owner,
) -> Project:
    """Render `topology`, of which `source` is the YAML; `images` maps a role to its tag."""
    fingerprint = project_fingerprint(topology, images, owner)
    files = {
        part.file: _compose(topology, part, images, owner, fingerprint).encode()
        for part in parts(topology)
    }
    for node in topology.nodes:
        for name, content in node_files(topology, node, secrets).items():
            files[f"nodes/{node.name}/{name}"] = content
    networks = _networks(topology, owner)
    files[storage.NETWORKS] = json.dumps(to_plain(networks), indent=2).encode()
    files[storage.TOPOLOGY] = source.encode()
    files["lab.json"] = json.dumps(
        {"pbx": topology.pbx, "images": dict(images), "owner": asdict(owner)}, indent=2
    ).encode()
    files["sip-passwords.json"] = json.dumps(sip_passwords(topology, secrets), indent=2).encode()
    directories = [CALLS, *(f"nodes/{node.name}" for node in topology.nodes)]
    return Project(files, tuple(directories), fingerprint)


def node_files(topology: Topology, node: Node, secrets: LabSecrets) -> dict[str, bytes]:
    """All files of a node, by their paths in its directory of the project."""
    files: dict[str, bytes] = {}
    for render in program_of(topology, node).files:
        files |= render.load()(topology, node, secrets)
    return files


def _compose(
    topology: Topology,
    part: HostPart,
    images: Mapping[str, str],
    owner: Owner,
    fingerprint: str,
) -> str:
    """The compose file of what is on one host."""
    spans = host_labels(topology, part)
    own = {labels.LAB: topology.lab, labels.OWNER: str(owner.uid), **spans}
    joined = {network.name for network in spanning(topology)}

    def node_labels(node: Node) -> dict[str, str]:
        return own | {
            labels.NODE: node.name,
            labels.ROLE: node.role,
            labels.TOPOLOGY: topology.name,
            labels.FINGERPRINT: fingerprint,
        }

    def helper_labels(node: Node) -> dict[str, str]:
        return own | {labels.MACHINE: node.name}

    def delay_labels(node: Node) -> dict[str, str]:
        return own | {labels.DELAY_LINE: node.name}

    def network_labels(network: Network) -> dict[str, str]:
        told = own | {labels.BLOCK: str(topology.block)}
        return told | ({labels.JOINED: images["net"]} if network.name in joined else {})

    return rendered(
        "compose.yaml.j2",
        topology=topology,
        part=part,
        mtu=mtu_of(topology),
        places=places,
        project_name=project_name(topology.lab),
        owner=owner,
        images=images,
        services={node.name: service_of(topology, node, images, owner) for node in part.nodes},
        labels=node_labels,
        helper_labels=helper_labels,
        delay_labels=delay_labels,
        network_service=network_service,
        delay_service=delay_service,
        line_cpu_shares=LINE_CPU_SHARES,
        network_orders={
            name: write(SetUpNetwork(network))
            for name, network in _networks(topology, owner).items()
        },
        network_labels=network_labels,
    )


def _networks(topology: Topology, owner: Owner) -> dict[str, MachineNetwork]:
    """Machine → what is set in its network namespace."""
    return {
        node.name: machine_network(topology, node, owner)
        for node in topology.nodes
        if node.on is None
    }


def project_name(lab: str) -> str:
    """The compose project of the lab called `lab`."""
    return f"lab-{lab}"
