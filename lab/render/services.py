"""What each role runs: its image, command and the little it may write to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lab.render.owner import Owner
from lab.roles import ROLES, program_of
from lab.topology.model import Node, Topology

WRITABLE = ("/run", "/tmp")  # noqa: S108 - a tmpfs inside the node
"""What every node may write to."""


BESIDE = ("net", "delay-line")
"""The images of what stands beside machines."""

LINE_CPU_SHARES = 262_144
"""Docker's most. A delay line needs little of a processor, but it needs that at once."""


def network_service(machine: str) -> str:
    """The compose service of the net helper beside `machine`; no node can be called that."""
    return f"{machine}_net"


def delay_service(machine: str) -> str:
    """The compose service of the delay line beside `machine`; no node can be called that."""
    return f"{machine}_delay"


def helper_services(node: Node) -> list[str]:
    """The services that stand beside `node`, a machine, and have to start with it."""
    if node.on is not None:
        return []
    return [network_service(node.name), *([delay_service(node.name)] if node.has_delays else [])]


@dataclass(frozen=True, slots=True)
class Service:
    """The parts of a compose service that depend on the node's role."""

    image: str
    entrypoint: tuple[str, ...] | None
    """In place of the image's own; None where that is the lab's tini."""
    command: tuple[str, ...]
    after: str | None
    """The service that must have ended well before this one starts."""
    tmpfs: tuple[str, ...]
    calls: bool
    """Whether the directory of calls in progress is mounted at /calls."""
    tun: bool
    """Whether the node may open the tun device."""


def service_of(topology: Topology, node: Node, images: Mapping[str, str], owner: Owner) -> Service:
    """The service of `node`; `images` maps what its image is called to a tag."""
    role, program = ROLES.all[node.role], program_of(topology, node)
    foreign = program.users_image is not None
    own = f"uid={owner.uid},gid={owner.gid},mode=0700"
    return Service(
        image=images[program.image],
        entrypoint=program.command[:1] if foreign else None,
        command=program.command[1:] if foreign else program.command,
        # A user's image holds no agent that could wait for the routes.
        after=network_service(node.on) if foreign and node.on else None,
        tmpfs=tuple(f"{path}:{own}" for path in (*WRITABLE, *program.writable)),
        calls=role.sees_calls,
        tun=role.tunnel(topology, node) is not None,
    )
