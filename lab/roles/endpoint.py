"""The endpoint: a phone's host, caller, callee or competing client."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from lab.ends import CALLEE
from lab.lazy import Lazy
from lab.role import (
    NOTHING,
    OBFS4PROXY_COMPONENT,
    TOR_COMPONENT,
    WHEN_ROUTED,
    Component,
    FilesOf,
    Program,
    Report,
    Role,
    SecretKind,
    TunnelEnd,
    with_tor,
)
from lab.topology.mistakes import Mistake, quoted
from lab.wire import places
from lab.wire.circuits import CIRCUITS, ReadStatus, TorStatus
from lab.wire.ports import TUNNEL_PORTS

if TYPE_CHECKING:
    from lab.topology.draft import Draft
    from lab.topology.model import Node, Topology

_FILES: tuple[Lazy[FilesOf], ...] = (
    Lazy("lab.render.openvpn", "vpn_client_files"),
    Lazy("lab.render.mumble", "mumble_client_files"),
    Lazy("lab.render.turn", "turn_client_files"),
)
_COMPONENTS = (
    TOR_COMPONENT,
    OBFS4PROXY_COMPONENT,
    Component("openvpn", "GPL 2"),
    Component("libopus0", "BSD, 3 clauses"),
    Component(
        "aiortc",
        "BSD, 3 clauses",
        command=(
            "python3",
            "-c",
            "from importlib.metadata import version; print('aiortc', version('aiortc'))",
        ),
        answer=r"aiortc (\S+)",
    ),
)


def _check(draft: Draft) -> Iterator[Mistake]:
    """Extensions that stand twice, and endpoints on machines that they cannot share."""
    for name in draft.with_role("endpoint"):
        if (host := draft.raw.nodes[name].on) in draft.raw.nodes:
            yield from _guest(draft, name, host)
    owners: dict[str, str] = {}
    for name, node in draft.raw.nodes.items():
        if node.extension is not None:
            owner = owners.setdefault(node.extension, name)
            if owner != name:
                message = f"{node.extension} is the extension of {quoted(owner)} already"
                yield Mistake(("nodes", name, "extension"), message)


def _guest(draft: Draft, name: str, host: str) -> Iterator[Mistake]:
    """The callee alone may be a guest: at the PBX, whom it reaches without a link."""
    place = ("nodes", name, "on")
    if name != CALLEE:
        yield Mistake(place, f"is for the endpoint {CALLEE} alone; others need `links`")
    for key in ("tor", "vpn"):
        if getattr(draft.raw.nodes[name], key):
            yield Mistake(("nodes", name, key), "needs `links`, in place of `on`")
    for pbx in draft.with_role("pbx"):
        machine = draft.raw.nodes[pbx].on or pbx
        if host != machine and draft.is_certain("nodes", pbx, "on"):
            yield Mistake(place, f"must be {quoted(machine)}, the PBX's machine")


def _secrets(topology: Topology, node: Node) -> Mapping[str, SecretKind]:
    return {
        **({"sip": SecretKind.PASSWORD} if node.extension else {}),
        **({"vpn": SecretKind.CREDENTIAL} if node.tunnel else {}),
        # Murmur wants a certificate of who opens a channel.
        **({"mumble": SecretKind.CREDENTIAL} if topology.with_role("mumble-server") else {}),
        **({"turn": SecretKind.PASSWORD} if topology.with_role("turn") else {}),
    }


def _tunnel_end(_topology: Topology, node: Node) -> TunnelEnd | None:
    return TunnelEnd(node.tunnel, TUNNEL_PORTS) if node.tunnel else None


def _tor_status(status: TorStatus) -> dict[str, Any]:
    """How far the node's Tor client has come, and what it knows of the network."""
    client = status.client
    if client is None:
        return {"bootstrap_pct": 0, "version": None, "relays": 0, "descriptors": 0}
    progress = re.search(r"PROGRESS=(\d+)", client.bootstrap)
    return {
        "bootstrap_pct": int(progress[1]) if progress else None,
        "version": client.version,
        "relays": len(client.consensus),
        "descriptors": len(client.descriptors),
        "consensus_valid_after": client.consensus_valid_after,
    }


def _tor_sentence(tor: Mapping[str, Any]) -> str:
    return (
        f"bootstrapped {tor['bootstrap_pct']} %, {tor['relays']} relays in the consensus, "
        f"{tor['descriptors']} descriptors, tor {tor['version']}"
    )


PHONE = Program(image="endpoint", command=NOTHING, files=_FILES, components=_COMPONENTS)
WITH_TOR = Program(
    image="endpoint",
    command=(*WHEN_ROUTED, "python3", "-m", "lab.agents.tor.client"),
    files=(Lazy("lab.render.torrc", "tor_files"), *_FILES),
    writable=(str(places.TOR_STATE),),
    components=_COMPONENTS,
)
ROLE = Role(
    name="endpoint",
    description="a phone's host",
    position=10,
    programs=(PHONE, WITH_TOR),
    is_guest=True,
    choice=lambda _, node: with_tor(WITH_TOR, node.tor_version) if node.tor else PHONE,
    keys=("extension", "tor", "tor_version", "bridges", "vpn"),
    check=_check,
    secrets=_secrets,
    sees_calls=True,
    tunnel_end=_tunnel_end,
    reports=(
        Report(
            section="tor",
            title="Tor",
            file=places.in_project(places.TORRC),
            dialogue=CIRCUITS,
            order=lambda _: ReadStatus(),
            answer=TorStatus,
            plain=_tor_status,
            sentence=_tor_sentence,
            unanswered="unknown",
        ),
    ),
)
