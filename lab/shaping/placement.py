"""Where on the path the shared link sits: a placement → caps in a concrete topology."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from ipaddress import IPv4Address

from lab.ends import CALLER
from lab.errors import LabError, UsageError
from lab.shaping.cap import Cap, LinkPoint
from lab.topology.model import Link, Node, Topology
from lab.topology.routes import link_towards
from lab.wire.shape import DEFAULT_QUEUE, Direction, Queue

Ends = tuple[LinkPoint, LinkPoint]
"""The point that voice to the caller crosses, and the one that voice from the caller crosses."""


def locate(
    topology: Topology, placement: str, *, towards_caller: bool, circuit: Sequence[str] = ()
) -> LinkPoint:
    """Where a link is shared, in one direction of the voice.

    server   what the server's machine (VPN server, PBX, web server) sends to, or receives from,
             the link over which the caller is reached
    router   the same link, on the side of the router in front of the server
    access   the home link of the gateway behind which caller and competing client sit
    relay    between guard and middle of `circuit`
    exit     between middle and exit of `circuit`

    `circuit` (node names, guard first) is the topology's own where it is not given; only the
    placements on it need one. UsageError for an unknown placement; LabError where the topology
    has no such place.
    """
    find = _FINDERS.get(placement)
    if find is None:
        raise UsageError(
            f"there is no placement {placement!r}", f"Placements: {', '.join(PLACEMENTS)}."
        )
    to_caller, from_caller = find(topology, tuple(circuit) or topology.tor.circuit)
    return to_caller if towards_caller else from_caller


def place(
    topology: Topology,
    placement: str,
    rate_kbps: int,
    queue: Queue = DEFAULT_QUEUE,
    *,
    towards_caller: bool,
    circuit: Sequence[str] = (),
) -> tuple[Cap, ...]:
    """The caps that make `placement` the bottleneck of one direction; see `locate`."""
    point = locate(topology, placement, towards_caller=towards_caller, circuit=circuit)
    return (Cap(point, rate_kbps, queue),)


def _server(topology: Topology, _circuit: Sequence[str]) -> Ends:
    link = link_towards(topology, _server_machine(topology), _home(topology).address)
    name = _server_machine(topology).name
    return LinkPoint(name, link.network), LinkPoint(name, link.network, Direction.IN)


def _router(topology: Topology, _circuit: Sequence[str]) -> Ends:
    server = _server_machine(topology)
    home = _home(topology)
    subnet = topology.network(home.network).subnet
    via = next((route.via for route in server.routes if route.destination == subnet), None)
    if via is None:
        raise LabError(f"no router stands between {CALLER} and {server.name}")
    router, network = _owner(topology, via)
    return LinkPoint(router, network, Direction.IN), LinkPoint(router, network)


def _access(topology: Topology, _circuit: Sequence[str]) -> Ends:
    caller = topology.node(CALLER)
    server = link_towards(topology, _server_machine(topology), _home(topology).address)
    subnet = topology.network(server.network).subnet
    via = next((route.via for route in caller.routes if route.destination == subnet), None)
    if via is None:
        raise LabError(f"no gateway stands between {CALLER} and {_server_machine(topology).name}")
    gateway, network = _owner(topology, via)
    return LinkPoint(gateway, network), LinkPoint(gateway, network, Direction.IN)


def _relay(topology: Topology, circuit: Sequence[str]) -> Ends:
    return _between(topology, "relay", circuit, 0)


def _exit(topology: Topology, circuit: Sequence[str]) -> Ends:
    return _between(topology, "exit", circuit, len(circuit) - 2)


def _between(topology: Topology, placement: str, circuit: Sequence[str], position: int) -> Ends:
    """What the relay after `position` sends back towards the caller, and the one at it onwards."""
    if len(circuit) < 2:
        raise LabError(
            f"the placement {placement!r} needs a circuit, and topology {topology.name} fixes none",
            "Name one under `tor: circuit:`.",
        )
    near, far = (topology.machine(name) for name in circuit[position : position + 2])
    back = link_towards(topology, far, near.links[0].address)
    forth = link_towards(topology, near, far.links[0].address)
    return LinkPoint(far.name, back.network), LinkPoint(near.name, forth.network)


_FINDERS: Mapping[str, Callable[[Topology, Sequence[str]], Ends]] = {
    "server": _server,
    "router": _router,
    "access": _access,
    "relay": _relay,
    "exit": _exit,
}
PLACEMENTS: tuple[str, ...] = tuple(_FINDERS)
"""The names that `place` knows."""


def _server_machine(topology: Topology) -> Node:
    """The machine of the VPN server, or of the PBX where there is no VPN."""
    for role in ("vpn-server", "pbx"):
        for node in topology.with_role(role):
            return topology.machine(node.name)
    raise LabError(f"topology {topology.name} has no server")


def _home(topology: Topology) -> Link:
    return topology.machine(CALLER).links[0]


def _owner(topology: Topology, address: IPv4Address) -> tuple[str, str]:
    """The node and network of an address."""
    return next(
        (node.name, link.network)
        for node in topology.nodes
        for link in node.links
        if link.address == address
    )
