"""What runs, found again from Docker's labels: no state file can disagree with reality."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from typing import Any

from docker import DockerClient

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

    def node(self, name: str) -> RunningNode:
        """The node called `name`; LabError that names those there are, or of many what is meant."""
        for node in self.nodes:
            if node.name == name:
                return node
        known = sorted(node.name for node in self.nodes)
        listed = ", ".join(known) if len(known) <= MOST_NAMED else some(known)
        told = f"lab {self.name} has no node {name}{did_you_mean(name, known)}"
        raise LabError(told, f"Its nodes: {listed}.")

    @property
    def stopped(self) -> tuple[RunningNode, ...]:
        """The nodes, and the delay lines beside them, that should run and do not."""
        every = (*self.nodes, *self.delay_lines.values())
        return tuple(node for node in every if node.state != "running")


def find_labs(client: DockerClient) -> tuple[RunningLab, ...]:
    """Every lab that has a node on this host, by name."""
    containers = client.api.containers(all=True, filters={"label": labels.LAB})
    blocks = lab_blocks(client)
    by_lab: dict[str, list[Mapping[str, Any]]] = {}
    lines: dict[str, dict[str, RunningNode]] = {}
    for container in containers:
        name = container["Labels"][labels.LAB]
        if labels.NODE in container["Labels"]:
            by_lab.setdefault(name, []).append(container)
        elif machine := container["Labels"].get(labels.DELAY_LINE):
            lines.setdefault(name, {})[machine] = _delay_line(machine, container)
    return tuple(
        RunningLab(
            name=name,
            topology=members[0]["Labels"].get(labels.TOPOLOGY, ""),
            fingerprint=members[0]["Labels"].get(labels.FINGERPRINT, ""),
            block=blocks.get(name),
            nodes=tuple(sorted(map(_node, members), key=lambda node: node.name)),
            delay_lines=lines.get(name, {}),
            owner=owner_in(members[0]["Labels"]),
        )
        for name, members in sorted(by_lab.items())
    )


def find_lab(client: DockerClient, name: str | None) -> RunningLab:
    """The lab called `name`, or this user's only one; LabError where that is not clear."""
    labs = find_labs(client)
    if name is None:
        labs = tuple(lab for lab in labs if is_mine(lab.owner))
        if len(labs) == 1:
            return labs[0]
        if labs:
            names = ", ".join(lab.name for lab in labs)
            raise LabError(f"several labs are up: {names}", "Say which one with --name.")
        raise LabError("no lab is up", "Bring one up with `lab up`.")
    for lab in labs:
        if lab.name == name:
            return lab
    raise LabError(f"no lab called {name} is up", f"Bring it up with `lab up --name {name}`.")


def find_helpers(client: DockerClient, lab: str) -> dict[str, RunningNode]:
    """Machine → the net helper that sets its network up, as if it were a node."""
    filters = {"label": [f"{labels.LAB}={lab}", labels.MACHINE]}
    containers = client.api.containers(all=True, filters=filters)
    machines = [item["Labels"][labels.MACHINE] for item in containers]
    return {
        machine: _running(f"the net helper of {machine}", "net", container)
        for machine, container in zip(machines, containers, strict=True)
    }


def lab_blocks(client: DockerClient) -> dict[str, IPv4Network]:
    """The address block of every lab that has a network on this host."""
    return {
        network.attrs["Labels"][labels.LAB]: IPv4Network(network.attrs["Labels"][labels.BLOCK])
        for network in client.networks.list(filters={"label": labels.BLOCK})
    }


def _node(container: Mapping[str, Any]) -> RunningNode:
    """A node from a line of Docker's list of containers."""
    own = container["Labels"]
    return _running(own[labels.NODE], own[labels.ROLE], container)


def _delay_line(machine: str, container: Mapping[str, Any]) -> RunningNode:
    return _running(f"the delay line of {machine}", "delay-line", container)


def _running(name: str, role: str, container: Mapping[str, Any]) -> RunningNode:
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
    )
