"""What runs, found again from Docker's labels: no state file can disagree with reality."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from typing import Any

from docker import DockerClient
from docker.errors import DockerException
from requests.exceptions import RequestException

from lab.engine.client import trouble
from lab.engine.hosts import client_of, engines_in, hosts_of
from lab.engine.owners import is_mine, owner_in
from lab.errors import LabError
from lab.images.context import REPOSITORY
from lab.render import labels
from lab.topology.mistakes import did_you_mean, some

MOST_NAMED = 30


@dataclass(frozen=True, slots=True)
class RunningNode:
    """One container of a lab as Docker sees it."""

    name: str
    role: str
    container_id: str
    state: str
    """Docker's word: running, exited, created, ..."""
    exit_code: int | None
    """None while it runs."""
    image: str = ""
    """The tag of its image."""
    image_id: str = ""
    engine: str = ""
    """The engine whose container it is; empty: the one that was asked."""

    @property
    def has_agents(self) -> bool:
        """Whether the lab's own programs are in it; in a user's image they are not."""
        return self.image.startswith(f"{REPOSITORY}/")


@dataclass(frozen=True, slots=True)
class RunningLab:
    """A lab as it is found in Docker."""

    name: str
    topology: str
    fingerprint: str
    block: IPv4Network | None
    nodes: tuple[RunningNode, ...]
    delay_lines: Mapping[str, RunningNode] = field(default_factory=dict)
    """Machine → the delay line beside it, as if it were a node."""
    owner: int | None = None
    """The user id of whom it is; None where an older version brought it up."""
    away: Mapping[str, str] = field(default_factory=dict)
    """Host of a lab that spans several → why it cannot be asked what of the lab it has."""

    def node(self, name: str) -> RunningNode:
        """The node called `name`; LabError that names those there are, or of many what is meant."""
        for node in self.nodes:
            if node.name == name:
                return node
        for host, reason in self.away.items():
            told = f"lab {self.name} has no node {name} on the hosts that answer"
            raise LabError(f"{told}; host {host}: {reason}")
        known = sorted(node.name for node in self.nodes)
        listed = ", ".join(known) if len(known) <= MOST_NAMED else some(known)
        told = f"lab {self.name} has no node {name}{did_you_mean(name, known)}"
        raise LabError(told, f"Its nodes: {listed}.")

    @property
    def stopped(self) -> tuple[RunningNode, ...]:
        """The nodes, and the delay lines beside them, that should run and do not."""
        every = (*self.nodes, *self.delay_lines.values())
        return tuple(node for node in every if node.state != "running")


def find_labs(client: DockerClient, only: str | None = None) -> tuple[RunningLab, ...]:
    """Every lab that has a node on this host, or `only` one, by name, with what it has on others.

    The hosts of no lab but these are asked: one that is away takes long to say nothing.
    """
    containers = client.api.containers(all=True, filters={"label": labels.LAB})
    blocks = lab_blocks(client)
    by_lab: dict[str, list[Mapping[str, Any]]] = {}
    for container in containers:
        by_lab.setdefault(container["Labels"][labels.LAB], []).append(container)
    found = (
        _lab(client, name, members, blocks.get(name))
        for name, members in sorted(by_lab.items())
        if only in (None, name)
    )
    return tuple(lab for lab in found if lab is not None)


def _lab(
    client: DockerClient, name: str, here: Sequence[Mapping[str, Any]], block: IPv4Network | None
) -> RunningLab | None:
    """A lab of which this host has these containers; None where none of them is a node."""
    told = next((item["Labels"] for item in here if labels.NODE in item["Labels"]), None)
    if told is None:
        return None
    placed = [(item, "") for item in here]
    away: dict[str, str] = {}
    for host, engine in engines_in(told).items():
        try:
            own = _containers(client_of(client, engine), name)
            placed += [(item, engine) for item in own]
        except LabError as error:
            away[host] = error.message
    nodes, lines = [], {}
    for container, engine in placed:
        if labels.NODE in container["Labels"]:
            nodes.append(_node(container, engine))
        elif machine := container["Labels"].get(labels.DELAY_LINE):
            lines[machine] = _delay_line(machine, container, engine)
    return RunningLab(
        name=name,
        topology=told.get(labels.TOPOLOGY, ""),
        fingerprint=told.get(labels.FINGERPRINT, ""),
        block=block,
        nodes=tuple(sorted(nodes, key=lambda node: node.name)),
        delay_lines=lines,
        owner=owner_in(told),
        away=away,
    )


def _containers(client: DockerClient, lab: str) -> Sequence[Mapping[str, Any]]:
    """LabError where the engine does not tell."""
    try:
        found: Sequence[Mapping[str, Any]] = client.api.containers(
            all=True, filters={"label": f"{labels.LAB}={lab}"}
        )
    except (DockerException, RequestException) as error:
        raise LabError(trouble(error) or str(error)) from error
    return found


def find_lab(client: DockerClient, name: str | None) -> RunningLab:
    """The lab called `name`, or this user's only one; LabError where that is not clear."""
    labs = find_labs(client, name)
    if name is None:
        labs = tuple(lab for lab in labs if is_mine(lab.owner))
        if len(labs) == 1:
            return labs[0]
        if labs:
            names = ", ".join(lab.name for lab in labs)
            raise LabError(f"several labs are up: {names}", "Say which one with --name.")
        raise LabError("no lab is up", "Bring one up with `lab up`.")
    for lab in labs:
        return lab
    raise LabError(f"no lab called {name} is up", f"Bring it up with `lab up --name {name}`.")


def find_helpers(client: DockerClient, lab: str) -> dict[str, RunningNode]:
    """Machine → the net helper that sets its network up, as if it were a node."""
    filters = {"label": [f"{labels.LAB}={lab}", labels.MACHINE]}
    found = {}
    for host in hosts_of(client, lab):
        for container in host.client.api.containers(all=True, filters=filters):
            machine = container["Labels"][labels.MACHINE]
            name = f"the net helper of {machine}"
            found[machine] = _running(name, "net", container, host.engine)
    return found


def lab_blocks(client: DockerClient) -> dict[str, IPv4Network]:
    """The address block of every lab that has a network on this host."""
    return {
        network.attrs["Labels"][labels.LAB]: IPv4Network(network.attrs["Labels"][labels.BLOCK])
        for network in client.networks.list(filters={"label": labels.BLOCK})
    }


def _node(container: Mapping[str, Any], engine: str) -> RunningNode:
    """A node from a line of Docker's list of containers."""
    own = container["Labels"]
    return _running(own[labels.NODE], own[labels.ROLE], container, engine)


def _delay_line(machine: str, container: Mapping[str, Any], engine: str) -> RunningNode:
    return _running(f"the delay line of {machine}", "delay-line", container, engine)


def _running(name: str, role: str, container: Mapping[str, Any], engine: str) -> RunningNode:
    """Docker's list of containers tells the exit status in words."""
    ended = re.match(r"Exited \((\d+)\)", container["Status"])
    return RunningNode(
        name=name,
        role=role,
        container_id=container["Id"],
        state=container["State"],
        exit_code=None if container["State"] == "running" else int(ended[1]) if ended else 0,
        image=container["Image"],
        image_id=container["ImageID"],
        engine=engine,
    )
