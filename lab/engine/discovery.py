"""What runs, found again from Docker's labels: no state file can disagree with reality."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network

from docker import DockerClient
from docker.models.containers import Container

from lab.errors import LabError
from lab.render import labels


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


@dataclass(frozen=True, slots=True)
class RunningLab:
    """A lab as it is found in Docker."""

    name: str
    topology: str
    fingerprint: str
    block: IPv4Network | None
    nodes: tuple[RunningNode, ...]

    def node(self, name: str) -> RunningNode:
        """The node called `name`; LabError that names those there are."""
        for node in self.nodes:
            if node.name == name:
                return node
        known = ", ".join(sorted(node.name for node in self.nodes))
        raise LabError(f"lab {self.name} has no node {name}", f"Its nodes: {known}.")

    @property
    def stopped(self) -> tuple[RunningNode, ...]:
        """The nodes that should run and do not."""
        return tuple(node for node in self.nodes if node.state != "running")


def find_labs(client: DockerClient) -> tuple[RunningLab, ...]:
    """Every lab that has a node on this host, by name."""
    # Another lab may be going down meanwhile: containers that vanish are left out.
    containers = client.containers.list(
        all=True, filters={"label": [labels.LAB, labels.NODE]}, ignore_removed=True
    )
    blocks = lab_blocks(client)
    by_lab: dict[str, list[Container]] = {}
    for container in containers:
        by_lab.setdefault(container.labels[labels.LAB], []).append(container)
    return tuple(
        RunningLab(
            name=name,
            topology=members[0].labels.get(labels.TOPOLOGY, ""),
            fingerprint=members[0].labels.get(labels.FINGERPRINT, ""),
            block=blocks.get(name),
            nodes=tuple(sorted(map(_node, members), key=lambda node: node.name)),
        )
        for name, members in sorted(by_lab.items())
    )


def find_lab(client: DockerClient, name: str | None) -> RunningLab:
    """The lab called `name`, or the only one; LabError where that is not clear."""
    labs = find_labs(client)
    if name is None:
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


def find_helpers(client: DockerClient, lab: str) -> dict[str, str]:
    """Machine → the container of the net helper that set its network up."""
    filters = {"label": [f"{labels.LAB}={lab}", labels.MACHINE]}
    containers = client.api.containers(all=True, filters=filters)
    return {item["Labels"][labels.MACHINE]: item["Id"] for item in containers}


def lab_blocks(client: DockerClient) -> dict[str, IPv4Network]:
    """The address block of every lab that has a network on this host."""
    return {
        network.attrs["Labels"][labels.LAB]: IPv4Network(network.attrs["Labels"][labels.BLOCK])
        for network in client.networks.list(filters={"label": labels.BLOCK})
    }


def _node(container: Container) -> RunningNode:
    state = container.attrs["State"]
    running = state["Status"] == "running"
    return RunningNode(
        name=container.labels[labels.NODE],
        role=container.labels[labels.ROLE],
        container_id=container.id,
        state=state["Status"],
        exit_code=None if running else state["ExitCode"],
    )
