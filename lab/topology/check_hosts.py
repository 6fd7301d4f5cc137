"""The checks of the hosts that a lab spans, and of the nodes on them."""

from __future__ import annotations

from collections.abc import Iterator

from lab.topology.draft import Draft
from lab.topology.mistakes import Mistake, Path, quoted
from lab.topology.model import HERE
from lab.topology.raw import RawNode
from lab.wire.vxlan import identifier


def check_hosts(draft: Draft) -> Iterator[Mistake]:
    """Every mistake in the hosts, and in which nodes are where."""
    yield from _engines(draft)
    yield from _shared(draft)
    for name, node in draft.raw.nodes.items():
        yield from _node(draft, ("nodes", name, "host"), node)
    yield from _idle(draft)
    yield from _narrow_subnets(draft)


def _engines(draft: Draft) -> Iterator[Mistake]:
    hosts = draft.raw.hosts
    if hosts and HERE not in hosts and draft.is_certain("hosts", HERE):
        message = f"lacks {HERE!r}, with the `underlay` address of this host"
        yield Mistake(("hosts",), message)
    for name, host in hosts.items():
        path: Path = ("hosts", name, "engine")
        if name == HERE and host.engine is not None:
            yield Mistake(path, f"is not for {HERE!r}, whose engine is the one that `docker` uses")
        if name != HERE and host.engine is None and draft.is_certain(*map(str, path)):
            yield Mistake(path[:-1], "lacks its `engine`, such as ssh://you@host")


def _shared(draft: Draft) -> Iterator[Mistake]:
    """Two hosts that are one."""
    for key in ("engine", "underlay"):
        owners: dict[object, str] = {}
        for name, host in draft.raw.hosts.items():
            value = getattr(host, key)
            owner = owners.setdefault(value, name)
            if value is not None and owner != name:
                message = f"is that of host {quoted(owner)} already: two hosts have one each"
                yield Mistake(("hosts", name, key), message)


def _node(draft: Draft, path: Path, node: RawNode) -> Iterator[Mistake]:
    if node.host == HERE:
        return
    if node.on is not None:
        message = f"is the one of its machine, {quoted(node.on)}: write it there"
        yield Mistake(path, message)
    elif not draft.raw.hosts and draft.is_certain("hosts"):
        yield Mistake(path, f"is {quoted(node.host)}, and the topology has no `hosts`")
    elif problem := draft.unknown_host(node.host):
        yield Mistake(path, problem)


def _idle(draft: Draft) -> Iterator[Mistake]:
    """Hosts on which nothing runs."""
    if not draft.is_certain("nodes", "*", "host") or not draft.is_certain("nodes", "*", "on"):
        return
    busy = {node.host for node in draft.raw.nodes.values() if node.on is None}
    for name in draft.raw.hosts.keys() - busy:
        message = "has no node; put one on it with `host`, or leave it out"
        if name == HERE:
            message = "has no node; leave one on this host, or use the engine of the other one"
        yield Mistake(("hosts", name), message)


def _narrow_subnets(draft: Draft) -> Iterator[Mistake]:
    """Subnets that begin alike in their first three bytes, by which VXLANs are told apart."""
    if not draft.raw.hosts:
        return
    owners: dict[int, str] = {}
    for name, subnet in draft.subnets.items():
        owner = owners.setdefault(identifier(subnet), name)
        if owner != name:
            message = f"lies in one /24 with that of network {quoted(owner)}; a lab that spans "
            yield Mistake(("networks", name, "subnet"), f"{message}hosts tells them apart by it")
