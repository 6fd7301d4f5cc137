"""The checks of nodes: what every role asks of them, and each role's own."""

from __future__ import annotations

from collections.abc import Iterator

from lab.role import Role
from lab.roles import ROLES
from lab.topology.draft import Draft
from lab.topology.mistakes import Mistake, Path, listed, quoted
from lab.topology.raw import RawNode, guest_roles, roles_with_key


def check_nodes(draft: Draft) -> Iterator[Mistake]:
    """Every mistake in the nodes, but for their links."""
    for name, node in draft.raw.nodes.items():
        yield from _keys(name, node)
        if node.on is None:
            yield from _machine(draft, name, node)
        else:
            yield from _guest(draft, name, node, node.on)
    yield from _circles(draft)
    for role in ROLES:
        yield from _seconds(draft, role)
        yield from role.check(draft)


def _keys(name: str, node: RawNode) -> Iterator[Mistake]:
    """Keys that are for other roles."""
    for key in dict.fromkeys(key for role in ROLES for key in role.keys):
        if getattr(node, key) and key not in ROLES.all[node.role].keys:
            roles = listed(roles_with_key(key), "or")
            message = f"is only for nodes with the role {roles}, not {node.role}"
            yield Mistake(("nodes", name, key), message)


def _machine(draft: Draft, name: str, node: RawNode) -> Iterator[Mistake]:
    if node.links or not draft.is_certain("nodes", name, "links", "*"):
        return
    if not ROLES.all[node.role].is_guest:
        yield Mistake(("nodes", name), f"has no links; the role {node.role} needs one")
    elif draft.is_certain("nodes", name, "on"):
        yield Mistake(("nodes", name), "needs either `on`, with the name of a machine, or `links`")


def _guest(draft: Draft, name: str, node: RawNode, host: str) -> Iterator[Mistake]:
    """A node that runs on another node's machine."""
    path: Path = ("nodes", name, "on")
    if problem := draft.unknown_node(host):
        yield Mistake(path, problem)
    if not ROLES.all[node.role].is_guest:
        guests = listed(guest_roles(), "and")
        message = f"is only for {guests}; the role {node.role} has `links` of its own"
        yield Mistake(path, message)
    elif node.links:
        yield Mistake(path, f"shares the network of {quoted(host)}, so it has no `links`")
    if node.place is not None:
        message = f"is the one of its machine, {quoted(host)}: write it there"
        yield Mistake(("nodes", name, "place"), message)
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


def _seconds(draft: Draft, role: Role) -> Iterator[Mistake]:
    """Second nodes of what a lab has once."""
    names = draft.with_role(role.name)
    for name in names[1:] if role.is_single else []:
        message = f"is a second {role.name} beside {quoted(names[0])}; a lab has one"
        yield Mistake(("nodes", name, "role"), message)
