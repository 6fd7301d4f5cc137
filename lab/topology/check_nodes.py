"""The checks of nodes: what each role needs, and what the lab needs of each role."""

from __future__ import annotations

from collections.abc import Iterator

from lab.topology.check_networks import MAX_ADDRESSES
from lab.topology.draft import Draft
from lab.topology.mistakes import Mistake, Path, quoted
from lab.topology.raw import RawNode, is_name
from lab.topology.resolve import media_proxy_name

MIN_RELAYS = 3
_GUESTS = ("pbx", "mumble-server", "web")
"""Roles that may run on another node's machine."""
_ONLY_FOR = {"authority": "relay", "extension": "endpoint", "tor": "endpoint", "vpn": "endpoint"}


def check_nodes(draft: Draft) -> Iterator[Mistake]:
    """Every mistake in the nodes, but for their links."""
    for name, node in draft.raw.nodes.items():
        for key, role in _ONLY_FOR.items():
            if getattr(node, key) and node.role != role:
                message = f"is only for nodes with the role {role}, not {node.role}"
                yield Mistake(("nodes", name, key), message)
        if node.on is None:
            yield from _machine(draft, name, node)
        else:
            yield from _guest(draft, name, node, node.on)
    yield from _circles(draft)
    yield from _singles(draft)
    yield from _needed(draft)
    yield from _extensions(draft)
    yield from _vpn(draft)
    yield from _media_proxy(draft)


def _machine(draft: Draft, name: str, node: RawNode) -> Iterator[Mistake]:
    if node.links or not draft.is_certain("nodes", name, "links", "*"):
        return
    if node.role not in _GUESTS:
        yield Mistake(("nodes", name), f"has no links; the role {node.role} needs one")
    elif draft.is_certain("nodes", name, "on"):
        yield Mistake(("nodes", name), "needs either `on`, with the name of a machine, or `links`")


def _guest(draft: Draft, name: str, node: RawNode, host: str) -> Iterator[Mistake]:
    """A node that runs on another node's machine."""
    path: Path = ("nodes", name, "on")
    if problem := draft.unknown_node(host):
        yield Mistake(path, problem)
    if node.role not in _GUESTS:
        message = (
            f"is only for pbx, mumble-server and web; the role {node.role} has `links` of its own"
        )
        yield Mistake(path, message)
    elif node.links:
        yield Mistake(path, f"shares the network of {quoted(host)}, so it has no `links`")
    if node.forwards is not None:
        yield Mistake(("nodes", name, "forwards"), "is only for nodes with `links`")


def _circles(draft: Draft) -> Iterator[Mistake]:
    """Nodes that run, in the end, on themselves; each circle is reported once."""
    visited: set[str] = set()
    for name in draft.raw.nodes:
        chain: dict[str, None] = {}
        current: str | None = name
        while current in draft.raw.nodes and current not in visited:
            visited.add(current)
            chain[current] = None
            current = draft.raw.nodes[current].on
        if current in chain:
            circle = [*chain][[*chain].index(current) :]
            shown = circle if len(circle) <= 5 else [*circle[:3], "…", circle[-1]]
            message = f"runs in a circle: {' on '.join([*shown, current])}"
            yield Mistake(("nodes", current, "on"), message)


def _singles(draft: Draft) -> Iterator[Mistake]:
    """Second nodes of what a lab has once."""
    nodes = draft.raw.nodes
    found: dict[str, list[str]] = {
        "authority": _authorities(draft),
        "pbx": _with_role(draft, "pbx"),
        "vpn-server": _with_role(draft, "vpn-server"),
        "mumble-server": _with_role(draft, "mumble-server"),
        "web": _with_role(draft, "web"),
    }
    for what, names in found.items():
        for name in names[1:]:
            key = "authority" if nodes[name].role == "relay" else "role"
            message = f"is a second {what} beside {quoted(names[0])}; a lab has one"
            yield Mistake(("nodes", name, key), message)


def _needed(draft: Draft) -> Iterator[Mistake]:
    """What no node is, though a lab needs one that is."""
    if not draft.is_certain("nodes", "*", "role"):
        return
    if not _authorities(draft) and draft.is_certain("nodes", "*", "authority"):
        message = "has no directory authority; give one relay `authority: true`"
        yield Mistake(("nodes",), message)
    if not _with_role(draft, "pbx"):
        yield Mistake(("nodes",), "has no pbx; calls need a node with `role: pbx`")
    if (relays := len(_with_role(draft, "relay"))) < MIN_RELAYS:
        yield Mistake(("nodes",), f"needs at least {MIN_RELAYS} relays, and has {relays}")


def _extensions(draft: Draft) -> Iterator[Mistake]:
    owners: dict[str, str] = {}
    for name, node in draft.raw.nodes.items():
        if node.extension is not None:
            owner = owners.setdefault(node.extension, name)
            if owner != name:
                message = f"{node.extension} is the extension of {quoted(owner)} already"
                yield Mistake(("nodes", name, "extension"), message)


def _vpn(draft: Draft) -> Iterator[Mistake]:
    nodes = draft.raw.nodes
    clients = [name for name, node in nodes.items() if node.vpn]
    servers = _with_role(draft, "vpn-server")
    if len(clients) > MAX_ADDRESSES:
        message = f"has {len(clients)} VPN clients; the tunnel has room for {MAX_ADDRESSES}"
        yield Mistake(("nodes",), message)
    if not servers:
        if draft.is_certain("nodes", "*", "role"):
            for name in clients:
                yield Mistake(("nodes", name, "vpn"), "needs a node with `role: vpn-server`")
        return
    for name in _with_role(draft, "pbx") if clients else []:
        place = ("nodes", name, "on")
        host = nodes[name].on
        is_plain = draft.is_certain(*place) if host is None else host in nodes and host != name
        if is_plain and host not in servers:
            message = f"must be {servers[0]}, where the calls through the VPN come out"
            yield Mistake(place, message)


def _media_proxy(draft: Draft) -> Iterator[Mistake]:
    """Names that clash with what is added beside a Kamailio."""
    if draft.raw.pbx == "freeswitch":
        return
    for name in _with_role(draft, "pbx"):
        proxy = media_proxy_name(name)
        if proxy in draft.raw.nodes:
            message = f"is the name of the media proxy that goes with {quoted(name)}"
            yield Mistake(("nodes", proxy), message)
        if is_name(name) and not is_name(proxy):
            yield Mistake(("nodes", name), f"is too long to name its media proxy {quoted(proxy)}")


def _with_role(draft: Draft, role: str) -> list[str]:
    return [name for name, node in draft.raw.nodes.items() if node.role == role]


def _authorities(draft: Draft) -> list[str]:
    return [name for name in _with_role(draft, "relay") if draft.raw.nodes[name].authority]
