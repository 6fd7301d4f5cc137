"""A Tor bridge: a way into the network that no consensus lists, in Tor's own words or in obfs4."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from lab.lazy import Lazy
from lab.role import (
    OBFS4PROXY_COMPONENT,
    TOR_COMPONENT,
    WHEN_ROUTED,
    Program,
    Report,
    Role,
    SecretKind,
    with_tor,
)
from lab.topology.draft import repeated
from lab.topology.mistakes import Mistake, Path, quoted
from lab.wire import places
from lab.wire.bridges import BRIDGE, BridgeSeen, ReadBridge

if TYPE_CHECKING:
    from lab.topology.draft import Draft
    from lab.topology.model import Node, Topology


def _check(draft: Draft) -> Iterator[Mistake]:
    """Clients that enter by what is no bridge."""
    for name, node in draft.raw.nodes.items():
        path: Path = ("nodes", name, "bridges")
        if node.bridges and not node.tor and draft.is_certain("nodes", name, "tor"):
            yield Mistake(path, "needs `tor: true`")
        if node.bridges and draft.raw.tor.conflux != "off":
            yield Mistake(path, "needs `conflux: off`: the lab has no sets of circuits by bridges")
        yield from repeated(path, node.bridges)
        for index, bridge in enumerate(node.bridges):
            if problem := _no_bridge(draft, bridge):
                yield Mistake((*path, index), problem)


def _no_bridge(draft: Draft, name: str) -> str | None:
    node = draft.raw.nodes.get(name)
    if node is None:
        return draft.unknown_node(name)
    if node.role == "relay":
        return f"{quoted(name)} is a relay, listed in the consensus; a bridge has `role: bridge`"
    if node.role != "bridge":
        return f"{quoted(name)} has the role {node.role}; clients enter by bridges"
    return None


def _secrets(_topology: Topology, node: Node) -> Mapping[str, SecretKind]:
    own = {"tor": SecretKind.TOR_IDENTITY}
    return own | ({"obfs4": SecretKind.OBFS4_IDENTITY} if node.transport == "obfs4" else {})


def _plain(seen: BridgeSeen) -> dict[str, Any]:
    """What a bridge knows, and how it takes clients."""
    return {
        "version": seen.version,
        "has_directory": seen.has_directory,
        "transport": seen.port.transport,
        "port": seen.port.port,
        "listens": seen.listens,
        "obfs4proxy": len(seen.obfs4proxies),
        "in_consensus": seen.in_consensus,
    }


def _sentence(told: Mapping[str, Any]) -> str:
    takes = "takes" if told["listens"] else "does not take"
    where = f"{takes} clients by {told['transport']} on port {told['port']}"
    listed = "listed in the consensus" if told["in_consensus"] else "in no consensus"
    knows = "knows the network" if told["has_directory"] else "does not know the network yet"
    return f"{knows}, {where}, {listed}, tor {told['version']}"


TOR = Program(
    image="tor",
    command=(*WHEN_ROUTED, "python3", "-m", "lab.agents.tor.bridge"),
    files=(Lazy("lab.render.torrc", "tor_files"),),
    writable=(str(places.TOR_STATE),),
    components=(TOR_COMPONENT, OBFS4PROXY_COMPONENT),
)
ROLE = Role(
    name="bridge",
    description="of Tor, listed nowhere",
    position=35,
    programs=(TOR,),
    choice=lambda _, node: with_tor(TOR, node.tor_version),
    keys=("transport", "tor_version", "bandwidth_rate", "bandwidth_burst"),
    check=_check,
    secrets=_secrets,
    reports=(
        Report(
            section="bridges",
            title="Bridge",
            file=places.in_project(places.TORRC),
            dialogue=BRIDGE,
            order=lambda _: ReadBridge(),
            answer=BridgeSeen,
            plain=_plain,
            sentence=_sentence,
            unanswered="unknown",
        ),
    ),
)
