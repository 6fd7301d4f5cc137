"""Everything a call needs to know of the lab it is made in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

from docker import DockerClient

from lab import storage
from lab.ends import CALLEE, CALLER
from lab.engine.discovery import RunningLab, find_lab
from lab.engine.owners import check_mine
from lab.errors import LabError
from lab.render.owner import Owner
from lab.render.pbx import pbx_address
from lab.topology.load import parse_topology
from lab.topology.model import Node, PbxKind, Topology
from lab.topology.resolve import resolve
from lab.wire import places
from lab.wire.plain import from_plain
from lab.wire.tor_network import TorNetwork


@dataclass(frozen=True, slots=True)
class ReadyLab:
    """A running lab together with what it was rendered from."""

    running: RunningLab
    topology: Topology
    directory: Path
    images: Mapping[str, str]
    owner: Owner
    sip_passwords: Mapping[str, str]
    """Extension → digest password."""

    @property
    def caller(self) -> Node:
        """The endpoint whose phone calls; LabError where the topology has none."""
        return self._endpoint(CALLER)

    @property
    def callee(self) -> Node:
        """The endpoint whose phone is called; LabError where the topology has none."""
        return self._endpoint(CALLEE)

    @property
    def pbx_address(self) -> IPv4Address:
        """The one address under which every phone knows the PBX."""
        return pbx_address(self.topology)

    @property
    def relays(self) -> Mapping[str, str]:
        """Relay or bridge → fingerprint, as the caller's Tor client was told.

        LabError where it has none.
        """
        return relay_fingerprints(self.directory, self.caller.name)

    @property
    def vpn_server(self) -> Node:
        """The node that runs the OpenVPN server; LabError where the topology has none."""
        for node in self.topology.with_role("vpn-server"):
            return node
        raise LabError(
            f"topology {self.topology.name} has no VPN server",
            "Calls through the VPN need a node with `role: vpn-server`.",
        )

    @property
    def net_image(self) -> str:
        """The image of the helpers that this lab was brought up with."""
        return self.images["net"]

    def _endpoint(self, name: str) -> Node:
        for node in self.topology.with_role("endpoint"):
            if node.name == name:
                return node
        raise LabError(
            f"topology {self.topology.name} has no endpoint called {name}",
            f"Calls go from the endpoint {CALLER} to the endpoint {CALLEE}.",
        )


def relay_fingerprints(directory: Path, client: str) -> Mapping[str, str]:
    """Relay or bridge → fingerprint, from the files of the Tor client in the node called `client`.

    LabError where it has no Tor client.
    """
    file = directory / "nodes" / client / places.in_project(places.TOR_NETWORK)
    if not file.exists():
        raise LabError(f"{client} has no Tor client", "Write `tor: true` at it in the topology.")
    plain = json.loads(file.read_text(encoding="utf-8"))
    network = from_plain(TorNetwork, plain)
    return {**network.relays, **network.bridges}


def _what_to_do(running: RunningLab) -> str:
    """Delay lines keep no log of their own."""
    nodes = [node.name for node in running.nodes if node in running.stopped]
    if not nodes:
        return "`lab up` starts it again, with its machine's links as the topology says."
    return f"`lab logs {nodes[0]}` may say why; `lab up` starts it again."


def open_lab(client: DockerClient, name: str | None) -> ReadyLab:
    """The lab called `name`, or this user's only one, ready for calls.

    LabError where it is not up, not all of it runs, or its project cannot be read.
    """
    running = find_lab(client, name)
    refuse_away(running)
    if running.stopped:
        stopped = ", ".join(f"{node.name} ({node.state})" for node in running.stopped)
        raise LabError(
            f"lab {running.name} is not complete: {stopped}",
            _what_to_do(running),
        )
    return _read(running)


def refuse_away(running: RunningLab) -> None:
    """LabError where a host of the lab does not answer."""
    for host, reason in running.away.items():
        raise LabError(f"lab {running.name} is not complete: host {host} is away: {reason}")


def open_lab_as_it_is(client: DockerClient, name: str | None) -> ReadyLab:
    """The same of a lab of which not everything need run, for who can do with less than a call."""
    return _read(find_lab(client, name))


def _read(running: RunningLab) -> ReadyLab:
    """LabError where the project cannot be read, or the networks are gone."""
    check_mine(running.name, running.owner, "Bring up one of your own: `lab up --name`.")
    directory = storage.project_directory(running.name)
    try:
        project = json.loads((directory / "lab.json").read_text(encoding="utf-8"))
        raw = parse_topology(
            (directory / storage.TOPOLOGY).read_text(encoding="utf-8"), storage.TOPOLOGY
        )
        passwords = json.loads((directory / "sip-passwords.json").read_text(encoding="utf-8"))
        pbx, owner, images = PbxKind(project["pbx"]), Owner(**project["owner"]), project["images"]
    except (OSError, ValueError) as error:
        raise LabError(
            f"the project of lab {running.name} in {directory} cannot be read: {error}",
            f"If LAB_HOME was changed, set it back; or `lab down {running.name}`.",
        ) from error
    except (KeyError, TypeError) as error:
        raise LabError(
            f"{directory / 'lab.json'} does not hold what it should: "
            f"{type(error).__name__} {error}",
            f"Another version of this program may have written it: `lab down {running.name}`.",
        ) from error
    if running.block is None:
        raise LabError(f"lab {running.name} has lost its networks", f"`lab down {running.name}`.")
    return ReadyLab(
        running=running,
        topology=resolve(raw, running.name, running.block, pbx),
        directory=directory,
        images=images,
        owner=owner,
        sip_passwords=passwords,
    )
