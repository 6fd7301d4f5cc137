"""A lab that spans hosts: started on each, its networks joined, and seen to reach one another."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path

from docker import DockerClient
from docker.types import Mount

from lab.engine.addresses import taken_networks
from lab.engine.discovery import RunningLab
from lab.engine.execution import reaches
from lab.engine.hosts import engines_of
from lab.engine.joints import join_networks
from lab.engine.lock import Lock
from lab.engine.project import compose_up
from lab.engine.short_run import printed_by
from lab.errors import LabError
from lab.images.build import missing
from lab.lifecycle.plan import Plan
from lab.render.services import BESIDE
from lab.render.spans import mtu_of, parts, spanning
from lab.roles import program_of
from lab.topology.model import Node, Topology
from lab.wire.vxlan import OVERHEAD_BYTES, PORT

ICMP_BYTES = 28
"""The headers of a ping in IPv4."""
_SEEN = "/seen"


def start_services(
    topology: Topology,
    directory: Path,
    lock: Lock,
    services: Collection[str],
    *,
    start: bool = True,
) -> None:
    """Create and start these services of a lab, each on its host; LabError as `compose_up`."""
    for part in parts(topology):
        own = [name for name in services if name in part.services]
        if own:
            compose_up(topology.lab, directory, lock, own, (part.file, part.engine), start=start)


def make_joined(
    client: DockerClient, topology: Topology, directory: Path, lock: Lock, image: str
) -> None:
    """Have the networks of a lab that spans hosts, joined, before anything in it starts.

    `image` is that of the net helper. LabError where a host cannot have them.
    """
    every = [name for part in parts(topology) for name in part.services]
    start_services(topology, directory, lock, every, start=False)
    join_networks(topology, engines_of(client, topology), image)


def networks_taken(client: DockerClient, topology: Topology) -> list[IPv4Network]:
    """What a new lab keeps clear of: the networks of every host that it is to span."""
    found = engines_of(client, topology)
    return [network for host in found for network in taken_networks(host.client)]


def check_hosts(client: DockerClient, plan: Plan) -> None:
    """LabError where a host does not answer, or lacks an image that it needs."""
    for host in engines_of(client, plan.topology)[1:]:
        if lacking := missing(host.client, images_on(plan, host.host)):
            tags = [plan.images[name] for name in lacking]
            raise LabError(
                f"host {host.host} lacks these images: {', '.join(tags)}",
                f"`docker save {' '.join(tags)} | docker --host {host.engine} load` "
                "brings them there.",
            )


def images_on(plan: Plan, host: str) -> list[str]:
    """What the lab's images on a host are called: of its nodes, and of what stands beside them."""
    programs = [program_of(plan.topology, node) for node in plan.topology.on_host(host)]
    return sorted({each.image for each in programs if not each.users_image} | set(BESIDE))


def check_shared(client: DockerClient, plan: Plan, directory: Path) -> None:
    """LabError where a host does not see the files of the lab at the path that they have here."""
    for host in engines_of(client, plan.topology)[1:]:
        mount = Mount(_SEEN, str(directory), type="bind", read_only=True)
        command = ["cat", f"{_SEEN}/lab.json"]
        owner = f"{plan.owner.uid}:{plan.owner.gid}"
        try:
            seen = printed_by(host.client, plan.images["net"], command, mounts=[mount], user=owner)
        except LabError:
            seen = None
        if seen != (directory / "lab.json").read_text(encoding="utf-8"):
            raise LabError(
                f"host {host.host} does not see {directory} as it is here",
                "Every host of a lab needs LAB_HOME at the same path, on a file system that they "
                "share (NFS, say).",
            )


@dataclass(frozen=True, slots=True)
class Crossing:
    """A way from a machine on one host to one on another, over one network."""

    network: str
    source: Node
    target: Node


def crossings(topology: Topology) -> Iterator[Crossing]:
    """One way from the first host of every network that spans several to each of the others."""
    for network in spanning(topology):
        first: dict[str, Node] = {}
        for host in topology.hosts_on(network.name):
            for node in topology.nodes:
                if node.host == host.name and any(x.network == network.name for x in node.links):
                    first.setdefault(host.name, node)
        source, *others = first.values()
        for target in others:
            yield Crossing(network.name, source, target)


def check_crossings(lab: RunningLab, topology: Topology, image: str) -> None:
    """Send the largest packet over every network that spans hosts; LabError where none returns."""
    mtu = mtu_of(topology)
    for way in crossings(topology):
        assert mtu is not None
        address = way.target.address_on(way.network)
        if not reaches(lab, way.source.name, image, address, mtu - ICMP_BYTES):
            near, far = (topology.host(node.host) for node in (way.source, way.target))
            raise LabError(
                f"no packet of {mtu} bytes goes over network {way.network} from {way.source.name} "
                f"on host {near.name} to {way.target.name} on host {far.name} and back",
                f"UDP {PORT} must pass between {near.underlay} and {far.underlay}, in packets of "
                f"{mtu + OVERHEAD_BYTES} bytes; `mtu` of the hosts says how large they may be.",
            )
