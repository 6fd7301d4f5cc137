"""The checks of networks, addresses and links."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network

from lab.roles import ROLES
from lab.topology.draft import Draft
from lab.topology.mistakes import Mistake, Path, listed, quoted
from lab.topology.raw import MAX_ADDRESSES, RawLink, RawNode, RawShape
from lab.topology.resolve import bridge_address
from lab.wire.shape import MAX_DELAYED_SIDES

MAX_OWN_SUBNETS = 255
"""Networks without a fixed subnet: the largest block, a /16, has 256 /24s, the VPN's among them."""


def check_networks(draft: Draft) -> Iterator[Mistake]:
    """Every mistake in the networks and in the links to them."""
    yield from _subnets(draft)
    for name, node in draft.raw.nodes.items():
        for network, link in node.links.items():
            yield from _link(draft, ("nodes", name, "links", network), network, link or RawLink())
        yield from _delayed(draft, name, node)
    yield from _places(draft)
    yield from _shared_addresses(draft)
    yield from _room(draft)
    yield from _unused(draft)
    yield from _unreachable(draft)


def _delayed(draft: Draft, name: str, node: RawNode) -> Iterator[Mistake]:
    """More directions of links that take time than one delay line has room for."""
    networks = draft.raw.networks
    sides = 0
    for network, link in node.links.items():
        found = networks.get(network)
        sends, receives = link or RawLink(), link and link.receives
        sides += _takes_time(sends) or bool(found and found.distances)
        sides += bool(receives and _takes_time(receives))
    if sides > MAX_DELAYED_SIDES:
        message = f"has {sides} directions of links that take time; one machine has at most "
        words = f"{message}{MAX_DELAYED_SIDES}: spread the links over several machines"
        yield Mistake(("nodes", name, "links"), words)


def _takes_time(raw: RawShape) -> bool:
    """Whether a direction of a link is delayed, or loses packets on the way."""
    return bool(raw.delay_ms or raw.jitter_ms or raw.loss_pct)


def _places(draft: Draft) -> Iterator[Mistake]:
    """Members of a network with distances that stand nowhere."""
    far = {name for name, network in draft.raw.networks.items() if network and network.distances}
    for name, node in draft.raw.nodes.items():
        for network in far & node.links.keys():
            if node.place is None and draft.is_certain("nodes", name, "place"):
                message = f"has no `place`, and network {quoted(network)} has distances"
                yield Mistake(("nodes", name), message)


def _subnets(draft: Draft) -> Iterator[Mistake]:
    own = len(draft.raw.networks) - len(draft.subnets)
    if own > MAX_OWN_SUBNETS:
        message = f"has {own} networks without a fixed `subnet`; a lab has at most "
        yield Mistake(("networks",), f"{message}{MAX_OWN_SUBNETS}")
    seen: dict[str, IPv4Network] = {}
    for name, subnet in draft.subnets.items():
        path: Path = ("networks", name, "subnet")
        if not _is_lan(subnet):
            yield Mistake(path, f"{subnet} is not a private subnet, such as 10.20.0.0/24")
        if not 16 <= subnet.prefixlen <= 29:
            yield Mistake(path, f"must be a /16 to /29, not a /{subnet.prefixlen}")
        other = next((other for other, taken in seen.items() if subnet.overlaps(taken)), None)
        if other is not None:
            yield Mistake(path, f"{subnet} overlaps {seen[other]} of network {quoted(other)}")
        seen[name] = subnet


def _is_lan(subnet: IPv4Network) -> bool:
    return subnet.is_private and not (
        subnet.is_loopback or subnet.is_link_local or subnet.is_unspecified or subnet.is_reserved
    )


def _link(draft: Draft, path: Path, network: str, link: RawLink) -> Iterator[Mistake]:
    if problem := draft.unknown_network(network):
        yield Mistake(path, problem)
    yield from _shape(draft, path, link)
    if link.receives is not None:
        yield from _shape(draft, (*path, "in"), link.receives)
    if link.address is None or network not in draft.raw.networks:
        return
    path = (*path, "address")
    subnet = draft.subnets.get(network)
    if subnet is None:
        if draft.is_certain("networks", network, "subnet"):
            yield Mistake(path, f"needs a fixed `subnet` in network {quoted(network)}")
    elif link.address not in subnet:
        yield Mistake(path, f"{link.address} is not in {subnet}")
    elif link.address in (
        subnet.network_address,
        bridge_address(subnet),
        subnet.broadcast_address,
    ):
        yield Mistake(path, f"{link.address} is not for nodes; they begin at {subnet[0] + 2}")


def _shape(draft: Draft, path: Path, shape: RawShape) -> Iterator[Mistake]:
    """A queue without a cap, or with two lengths, or with one of the wrong kind."""
    queue = shape.queue
    if queue is None:
        return
    path = (*path, "queue")
    if shape.rate_kbps is None and draft.is_certain(*map(str, path[:-1]), "rate"):
        yield Mistake(path, "needs a `rate`; only a capped link has a queue")
    if queue.packets is not None and queue.bytes is not None:
        yield Mistake(path, "has a length in packets and one in bytes; give one of them")
    elif queue.fifo == "bfifo" and queue.bytes is None:
        yield Mistake((*path, "fifo"), "bfifo counts bytes, so it needs `bytes`")
    elif queue.fifo == "pfifo" and queue.bytes is not None:
        yield Mistake((*path, "fifo"), "pfifo counts packets, so it needs `packets`")


def _shared_addresses(draft: Draft) -> Iterator[Mistake]:
    owners: dict[tuple[str, IPv4Address], str] = {}
    for name, node in draft.raw.nodes.items():
        for network, link in node.links.items():
            if link is None or link.address is None:
                continue
            owner = owners.setdefault((network, link.address), name)
            if owner != name:
                path = ("nodes", name, "links", network, "address")
                yield Mistake(path, f"{link.address} is the address of {quoted(owner)} already")


def _room(draft: Draft) -> Iterator[Mistake]:
    """Networks with more nodes than addresses."""
    count = Counter(network for node in draft.raw.nodes.values() for network in node.links)
    for network in draft.raw.networks:
        room, place = MAX_ADDRESSES, "a network of the lab"
        if (subnet := draft.subnets.get(network)) is not None:
            room, place = min(room, max(subnet.num_addresses - 3, 0)), str(subnet)
        if count[network] > room:
            message = f"has {count[network]} nodes, and {place} has room for {room}"
            yield Mistake(("networks", network), message)


def _used(draft: Draft) -> list[str]:
    linked = {network for node in draft.raw.nodes.values() for network in node.links}
    return [network for network in draft.raw.networks if network in linked]


def _unused(draft: Draft) -> Iterator[Mistake]:
    if not draft.raw.networks and draft.is_certain("networks"):
        yield Mistake(("networks",), "must not be empty")
    if draft.is_certain("nodes", "*", "links", "*"):
        for network in draft.raw.networks.keys() - set(_used(draft)):
            yield Mistake(("networks", network), "has no node; link one to it or leave it out")


def _unreachable(draft: Draft) -> Iterator[Mistake]:
    """Networks that no chain of forwarding nodes joins to the first one."""
    parts = [("nodes", "*", key) for key in ("role", "forwards", "on")]
    if not all(draft.is_certain(*part) for part in [*parts, ("nodes", "*", "links", "*")]):
        return
    names = _used(draft)
    reached = set(names[:1])
    frontier = set(reached)
    while frontier:
        joined = {
            network
            for node in draft.raw.nodes.values()
            if node.does_forward and frontier & node.links.keys()
            for network in node.links
        }
        frontier = joined - reached
        reached |= frontier
    for network in names:
        if network not in reached:
            who = listed([role.name for role in ROLES if role.forwards], "or")
            message = f"cannot be reached from {quoted(names[0])}; no {who} leads there"
            yield Mistake(("networks", network), message)
