"""What each role runs: its image, command and the little it may write to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lab.render.owner import Owner
from lab.topology.model import Node, PbxKind, Role, Topology
from lab.wire import places

WHEN_ROUTED = ("python3", "-m", "lab.agents.net.routes_ready", "--")
"""In front of every node's command: waits until the net helper has done its work."""

FREESWITCH = (
    "freeswitch",
    *("-nf", "-nc"),
    *("-np", "-nonat", "-nonatmap"),
    # All of -conf, -log and -db or none; images differ in where they keep these by themselves.
    *("-conf", str(places.FREESWITCH)),
    *("-certs", str(places.FREESWITCH)),
    *("-log", str(places.FREESWITCH_STATE / "log")),
    *("-db", str(places.FREESWITCH_STATE / "db")),
    *("-run", str(places.FREESWITCH_STATE / "run")),
    *("-temp", "/tmp"),  # noqa: S108 - a tmpfs inside the node
)
"""In the foreground without a console, without real-time priority, without a look for NAT."""

_NOTHING = (*WHEN_ROUTED, "sleep", "infinity")
_TOR_CLIENT = (*WHEN_ROUTED, "python3", "-m", "lab.agents.tor.client")
_COMMANDS: Mapping[Role, tuple[str, ...]] = {
    Role.ROUTER: _NOTHING,
    Role.RELAY: (*WHEN_ROUTED, "python3", "-m", "lab.agents.tor.relay"),
    Role.PBX: (*WHEN_ROUTED, "python3", "-m", "lab.agents.servers.kamailio"),
    Role.VPN_SERVER: (*WHEN_ROUTED, "openvpn", "--config", str(places.OPENVPN_SERVER)),
    # It has something to do before there are routes.
    Role.MUMBLE_SERVER: ("python3", "-m", "lab.agents.mumble.server", *WHEN_ROUTED),
    Role.WEB: (*WHEN_ROUTED, "python3", "-m", "lab.agents.servers.web"),
    Role.MEDIA_PROXY: (
        *WHEN_ROUTED,
        *("rtpengine", f"--config-file={places.RTPENGINE}", "--foreground"),
    ),
}


def network_service(machine: str) -> str:
    """The compose service of the net helper beside `machine`; no node can be called that."""
    return f"{machine}_net"


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


def image_role(topology: Topology, node: Node) -> str:
    """Which image under `images/` the node runs; `freeswitch` is the user's own image."""
    match node.role:
        case Role.ROUTER:
            return "net"
        case Role.RELAY:
            return "tor"
        case Role.PBX:
            return "freeswitch" if topology.pbx is PbxKind.FREESWITCH else "kamailio"
        case Role.MEDIA_PROXY:
            return "rtpengine"
        case _:
            return str(node.role)


def service_of(topology: Topology, node: Node, images: Mapping[str, str], owner: Owner) -> Service:
    """The service of `node`; `images` maps an image's role to its tag."""
    own = f"uid={owner.uid},gid={owner.gid},mode=0700"
    role = image_role(topology, node)
    foreign = role == PbxKind.FREESWITCH
    return Service(
        image=images[role],
        entrypoint=FREESWITCH[:1] if foreign else None,
        command=FREESWITCH[1:] if foreign else _command(node),
        # A user's image holds no agent that could wait for the routes.
        after=network_service(node.on) if foreign and node.on else None,
        tmpfs=tuple(f"{path}:{own}" for path in _writable(topology, node)),
        calls=node.role is Role.ENDPOINT,
        tun=node.role is Role.VPN_SERVER or node.tunnel is not None,
    )


def _command(node: Node) -> tuple[str, ...]:
    if node.role is Role.ENDPOINT:
        return _TOR_CLIENT if node.tor else _NOTHING
    return _COMMANDS[node.role]


def _writable(topology: Topology, node: Node) -> tuple[str, ...]:
    paths = ["/run", "/tmp"]  # noqa: S108 - a tmpfs inside the node
    if node.role is Role.RELAY or node.tor:
        paths.append(str(places.TOR_STATE))
    return tuple(paths)
