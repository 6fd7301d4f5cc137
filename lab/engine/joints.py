"""Joining a lab's networks between hosts, and parting them, by a helper on each host.

The helper has the host's own network namespace and CAP_NET_ADMIN alone, and ends with its order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from docker import DockerClient

from lab.engine.execution import start_on_host
from lab.engine.hosts import HostEngine
from lab.errors import LabError
from lab.render import labels
from lab.render.spans import joints
from lab.topology.model import Topology
from lab.wire.vxlan import VXLAN, Join, Joined, Part, Parted

DEADLINE_S = 30.0
BRIDGE_NAME = "com.docker.network.bridge.name"
"""Docker's option of a network; the network's id tells where it has none."""
_OPTIONS = ("--user", "0:0", "--cap-add", "NET_ADMIN")


def join_networks(topology: Topology, hosts: Sequence[HostEngine], image: str) -> None:
    """Join every network of a lab that is on several hosts, on each of them.

    `image` is that of the helpers. LabError where a host cannot, or has something else
    afterwards.
    """
    for host in hosts:
        bridges = bridges_of(host.client, topology.lab)
        wanted = joints(topology, topology.host(host.host), bridges)
        if not wanted:
            continue
        try:
            with start_on_host(topology.lab, host.engine, image, _OPTIONS, VXLAN) as helper:
                found = helper.ask(Join(wanted), Joined, DEADLINE_S).joints
        except LabError as error:
            raise LabError(
                f"the networks of lab {topology.lab} cannot be joined on host {host.host}: "
                f"{getattr(error, 'reason', error.message)}",
                error.hint,
            ) from error
        if found != wanted:
            raise LabError(
                f"the networks of lab {topology.lab} were joined on host {host.host} as "
                f"{wanted}, and are as {found}"
            )


def part_networks(engine: str, networks: Sequence[Any]) -> None:
    """Take away what joins these of Docker's networks to other hosts, where anything does.

    LabError where it cannot be.
    """
    by_image: dict[str, list[str]] = {}
    for network in networks:
        if image := network.attrs["Labels"].get(labels.JOINED):
            by_image.setdefault(image, []).append(_bridge(network))
    for image, bridges in by_image.items():
        lab = networks[0].attrs["Labels"][labels.LAB]
        with start_on_host(lab, engine, image, _OPTIONS, VXLAN) as helper:
            helper.ask(Part(tuple(bridges)), Parted, DEADLINE_S)


def bridges_of(client: DockerClient, lab: str) -> dict[str, str]:
    """Network of a lab → the device of its bridge on this engine's host."""
    wanted = f"{labels.LAB}={lab}"
    return {
        network.attrs["Labels"]["com.docker.compose.network"]: _bridge(network)
        for network in client.networks.list(filters={"label": wanted})
    }


def _bridge(network: Any) -> str:
    options = network.attrs["Options"] or {}
    return str(options.get(BRIDGE_NAME, f"br-{network.id[:12]}"))
