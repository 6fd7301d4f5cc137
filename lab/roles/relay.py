"""A Tor relay; forwards packets too, so that direct calls cross the same hosts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lab.lazy import Lazy
from lab.role import (
    TOR_COMPONENT,
    WHEN_ROUTED,
    HeadStart,
    Program,
    Report,
    Role,
    SecretKind,
    with_tor,
)
from lab.topology.draft import repeated
from lab.topology.mistakes import Mistake, Path, quoted
from lab.wire import places
from lab.wire.tor_network import AUTHORITY_RUNS
from lab.wire.tor_settings import TOR_SETTINGS, ReadSettings, SettingsInForce

if TYPE_CHECKING:
    from lab.topology.draft import Draft
    from lab.topology.model import Node, Topology

MIN_RELAYS = 3
HOPS = 3
"""Relays of a circuit of which nothing is said: Tor's own number."""
CIRCUIT_HOPS = range(2, 9)
"""Lengths a fixed circuit may have; Tor extends a circuit by at most eight relays."""


def _check(draft: Draft) -> Iterator[Mistake]:
    """Too few relays, none or two of them the authority, and a circuit over something else."""
    nodes = draft.raw.nodes
    relays = draft.with_role("relay")
    authorities = [name for name in relays if nodes[name].authority]
    for name in authorities[1:]:
        message = f"is a second authority beside {quoted(authorities[0])}; a lab has one"
        yield Mistake(("nodes", name, "authority"), message)
    if draft.is_certain("nodes", "*", "role"):
        if not authorities and draft.is_certain("nodes", "*", "authority"):
            message = "has no directory authority; give one relay `authority: true`"
            yield Mistake(("nodes",), message)
        if len(relays) < MIN_RELAYS:
            message = f"needs at least {MIN_RELAYS} relays, and has {len(relays)}"
            yield Mistake(("nodes",), message)
    yield from _check_circuit(draft, "circuit", draft.raw.tor.circuit)
    yield from _check_circuit(draft, "callee_circuit", draft.raw.tor.callee_circuit)
    yield from _check_hops(draft)


def _check_circuit(draft: Draft, key: str, circuit: list[str]) -> Iterator[Mistake]:
    path: Path = ("tor", key)
    for index, name in enumerate(circuit):
        node = draft.raw.nodes.get(name)
        problem = draft.unknown_node(name) if node is None else None
        if not name:
            problem = "is empty; write the name of a relay"
        elif node is not None and node.role != "relay":
            problem = f"{quoted(name)} has the role {node.role}; a circuit goes over relays"
        if problem:
            yield Mistake((*path, index), problem)
    yield from repeated(path, circuit)
    if circuit and len(circuit) not in CIRCUIT_HOPS:
        message = f"must name 2 to 8 relays, or none to choose by seed; it names {len(circuit)}"
        yield Mistake(path, message)


def _check_hops(draft: Draft) -> Iterator[Mistake]:
    """More hops than there are relays, or others than a fixed circuit has."""
    path: Path = ("tor", "hops")
    tor, relays = draft.raw.tor, draft.with_role("relay")
    if tor.circuit and "hops" in tor.model_fields_set and len(tor.circuit) != tor.hops:
        message = f"is {tor.hops}, and `circuit` names {len(tor.circuit)} relays; leave one out"
        yield Mistake(path, message)
    too_few = not tor.circuit and MIN_RELAYS <= len(relays) < tor.hops
    if too_few and draft.is_certain("nodes", "*", "role"):
        yield Mistake(path, f"is {tor.hops}, and there are {len(relays)} relays")


def _secrets(_topology: Topology, _node: Node) -> Mapping[str, SecretKind]:
    return {"tor": SecretKind.TOR_IDENTITY}


def _told(settings: SettingsInForce) -> dict[str, Any]:
    """The version of its Tor, and what its consensus says."""
    return {"version": settings.version, "consensus_parameters": settings.parameters}


def _sentence(tor: Mapping[str, Any]) -> str:
    if tor["consensus_parameters"] is None:
        return f"tor {tor['version']}, no consensus"
    said = " ".join(f"{name}={value}" for name, value in tor["consensus_parameters"].items())
    return f"tor {tor['version']}{f', consensus parameters {said}' if said else ''}"


TOR = Program(
    image="tor",
    command=(*WHEN_ROUTED, "python3", "-m", "lab.agents.tor.relay"),
    files=(Lazy("lab.render.torrc", "tor_files"),),
    writable=(str(places.TOR_STATE),),
    components=(TOR_COMPONENT,),
)
AUTHORITY = replace(TOR, command=(*WHEN_ROUTED, "python3", "-m", "lab.agents.tor.authority"))
ROLE = Role(
    name="relay",
    description="of Tor",
    position=30,
    programs=(TOR, AUTHORITY),
    choice=lambda _, node: with_tor(AUTHORITY if node.authority else TOR, node.tor_version),
    forwards=True,
    keys=("authority", "tor_version", "bandwidth_rate", "bandwidth_burst"),
    check=_check,
    secrets=_secrets,
    reports=(
        Report(
            section="relays",
            title="Relay",
            file=places.in_project(places.TORRC),
            dialogue=TOR_SETTINGS,
            order=lambda _: ReadSettings((), 0.0),
            answer=SettingsInForce,
            plain=_told,
            sentence=_sentence,
            unanswered="unknown",
        ),
    ),
    # Tor's first vote falls into the time in which everything else is started; the authority of
    # a new lab comes first of all, for the rest of Tor waits for it and starting nodes takes all
    # processors.
    head_start=HeadStart(
        together="the relays",
        awaited=lambda node: AUTHORITY_RUNS if node.authority else None,
        stage="Tor: the authority runs",
        deadline_s=30.0,
    ),
)
