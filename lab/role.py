"""What a role is: all that the lab knows of the nodes that have it.

A role is one module of `lab.roles`; the schema of topologies and their checks, the compose
project and its secrets, what `up` waits for, `status`, `doctor` and the versions in a record are
derived from these values. They are light: what takes a template engine, keys or an agent's
answer is named by a `Lazy` and imported when it is used.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from ipaddress import IPv4Address
from typing import TYPE_CHECKING, Any, Literal

from lab.lazy import Lazy
from lab.tor_versions import DEFAULT, image_with
from lab.wire.messages import Dialogue, Event, Order

if TYPE_CHECKING:
    from lab.errors import LabError
    from lab.render.secrets import LabSecrets
    from lab.topology.draft import Draft
    from lab.topology.mistakes import Mistake
    from lab.topology.model import Node, PbxKind, Topology
    from lab.topology.raw import RawNode

WHEN_ROUTED = ("python3", "-m", "lab.agents.net.routes_ready", "--")
"""In front of a node's command: waits until the net helper has done its work."""
NOTHING = (*WHEN_ROUTED, "sleep", "infinity")
"""The command of a node in which programs are only started when they are needed."""

NodeFiles = Mapping[str, bytes]
"""Files of a node, by their paths in its directory of the project."""
FilesOf = Callable[["Topology", "Node", "LabSecrets"], NodeFiles]


@dataclass(frozen=True, slots=True)
class Component:
    """A program or library in an image, of which version and licence are told."""

    name: str
    """A Debian package where nothing else is asked."""
    licence: str
    command: tuple[str, ...] = ()
    """What makes it tell its version; empty where the package tells it."""
    answer: str = ""
    """A regular expression for what the command prints, with a group that is the version."""


TOR_COMPONENT = Component(
    "tor", "BSD, 3 clauses", ("tor", "--version"), r"Tor version (\d[^\s]*[^\s.])"
)
"""By itself: of a Tor that is unpacked beside the system no package tells."""


OBFS4PROXY_COMPONENT = Component("obfs4proxy", "BSD, 2 clauses")


@dataclass(frozen=True, slots=True)
class UsersImage:
    """An image that a user brings: none of the lab's agents is in it."""

    variable: str
    """The environment variable that names it."""
    default: str
    taken: str
    """When it is taken, as the end of a sentence."""
    without: str
    """What happens without it."""

    @property
    def tag(self) -> str:
        """The image that is meant here and now."""
        return os.environ.get(self.variable) or self.default


@dataclass(frozen=True, slots=True)
class ServerSocket:
    """The socket by which a server is known to be ready."""

    protocol: Literal["tcp", "udp"]
    port: int
    handshake: Dialogue | None = None
    """With the program in its node that tells when a TLS handshake succeeds, for a server that
    listens before it answers; None where listening is enough."""

    def __str__(self) -> str:
        if self.handshake:
            return f"accept a TLS handshake on port {self.port}"
        return f"listen on {self.protocol} port {self.port}"


@dataclass(frozen=True, slots=True)
class Program:
    """What a node runs."""

    image: str
    """The directory of `images/` that its image is built from, or the name of a user's image."""
    command: tuple[str, ...]
    """With `WHEN_ROUTED` where it must not begin before there are routes."""
    files: tuple[Lazy[FilesOf], ...] = ()
    """What is rendered for its node."""
    writable: tuple[str, ...] = ()
    """Directories in memory that it may write to, besides /run and /tmp."""
    socket: Callable[[Topology], ServerSocket] | None = None
    """By which it is known to be ready; None where nothing waits for it."""
    components: tuple[Component, ...] = ()
    """Those that a record and `lab doctor` name."""
    users_image: UsersImage | None = None
    """In place of an image that the lab builds."""
    certificates: tuple[str, ...] = ()
    """Files that each hold one and the same key and certificate, made once per user and kept."""
    complaint: Callable[[str, Topology, str], LabError | None] | None = None
    """What its log says that it cannot do, of the topology and the tag of its image."""


def with_tor(program: Program, version: str | None) -> Program:
    """The program in the image that has that version of Tor; None is the default one."""
    return replace(program, image=image_with(program.image, version or DEFAULT))


@dataclass(frozen=True, slots=True)
class TunnelEnd:
    """A node's end of the lab's tunnel."""

    address: IPv4Address
    media_ports: tuple[int, int] | None = None
    """First and last UDP port from which all packets go into the tunnel."""


@dataclass(frozen=True, slots=True)
class HeadStart:
    """Why the nodes of a role are started before all others."""

    together: str
    """What they are called together: `the relays`."""
    awaited: Callable[[Node], str | None]
    """What a node of a new lab must have said before the others are started; None for nothing."""
    stage: str
    """What has come about by then, as `lab up` tells it."""
    deadline_s: float


@dataclass(frozen=True, slots=True)
class Report:
    """What a program in a node tells of itself in `lab status`."""

    section: str
    """Its key in the JSON."""
    title: str
    """What it is called before the node's name: `Tor at caller`."""
    file: str
    """A file of the node without which there is nothing to ask."""
    dialogue: Dialogue
    """With the program in the node that is asked."""
    order: Callable[[str], Order]
    """What it is asked, of the node's name."""
    answer: type[Event]
    """The event that answers."""
    plain: Callable[[Any], dict[str, Any]]
    """What of the answer is told."""
    sentence: Callable[[Mapping[str, Any]], str]
    """The answer for people."""
    unanswered: str
    """In its place where it did not tell."""


class SecretKind(StrEnum):
    """What secrets are made of."""

    PASSWORD = "password"  # noqa: S105 - a kind
    CREDENTIAL = "credential"
    """A key and a self-signed certificate."""
    TOR_IDENTITY = "tor identity"
    OBFS4_IDENTITY = "obfs4 identity"
    ONION_IDENTITY = "onion identity"


def _no_mistakes(_draft: Draft) -> Iterator[Mistake]:
    yield from ()


@dataclass(frozen=True, slots=True)
class Role:
    """One role of nodes."""

    name: str
    """In topologies and in labels."""
    description: str
    """For people who write topologies, after the name: `a phone's host`."""
    position: int
    """Where it stands among the others in lists."""
    programs: tuple[Program, ...]
    """All that its nodes may run."""
    choice: Callable[[Topology, Node], Program] | None = None
    """Which of the programs a node runs; the first where there is no choice."""
    is_written: bool = True
    """Whether a user may write it; the lab adds nodes of other roles itself."""
    is_guest: bool = False
    """Whether a node may run on another node's machine."""
    forwards: bool = False
    """Whether its nodes route packets for others where nothing else is written."""
    is_single: bool = False
    """Whether a lab has one at most."""
    keys: tuple[str, ...] = ()
    """The keys of a node that are only for some roles, this one among them."""
    check: Callable[[Draft], Iterator[Mistake]] = _no_mistakes
    """What a topology must give it, beyond what all this says."""
    beside: Callable[[str, RawNode, PbxKind], tuple[Node, ...]] | None = None
    """The nodes that the lab adds beside the one of that name."""
    secrets: Callable[[Topology, Node], Mapping[str, SecretKind]] | None = None
    """What for → the kind of secret that a node needs."""
    sees_calls: bool = False
    """Whether the directory of calls in progress is mounted into its nodes."""
    tunnel_end: Callable[[Topology, Node], TunnelEnd | None] | None = None
    """A node's end of the tunnel, for which it needs a tun device."""
    head_start: HeadStart | None = None
    reports: tuple[Report, ...] = ()
    """What `lab status` asks its nodes."""

    def program(self, topology: Topology, node: Node) -> Program:
        """What `node` runs."""
        return self.choice(topology, node) if self.choice else self.programs[0]

    def tunnel(self, topology: Topology, node: Node) -> TunnelEnd | None:
        """The end of the tunnel that `node` has."""
        return self.tunnel_end(topology, node) if self.tunnel_end else None
