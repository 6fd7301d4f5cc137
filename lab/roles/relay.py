"""A Tor relay; forwards packets too, so that direct calls cross the same hosts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from lab.lazy import Lazy
from lab.role import WHEN_ROUTED, Component, HeadStart, Program, Role, SecretKind
from lab.topology.draft import repeated
from lab.topology.mistakes import Mistake, Path, quoted
from lab.wire import places
from lab.wire.tor_network import AUTHORITY_RUNS

if TYPE_CHECKING:
    from lab.topology.draft import Draft
    from lab.topology.model import Node, Topology

MIN_RELAYS = 3
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
    yield from _check_circuit(draft)


def _check_circuit(draft: Draft) -> Iterator[Mistake]:
    path: Path = ("tor", "circuit")
    circuit = draft.raw.tor.circuit
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


def _secrets(_topology: Topology, _node: Node) -> Mapping[str, SecretKind]:
    return {"tor": SecretKind.TOR_IDENTITY}


TOR = Program(
    image="tor",
    command=(*WHEN_ROUTED, "python3", "-m", "lab.agents.tor.relay"),
    files=(Lazy("lab.render.torrc", "tor_files"),),
    writable=(str(places.TOR_STATE),),
    components=(Component("tor", "BSD, 3 clauses"),),
)
ROLE = Role(
    name="relay",
    description="of Tor",
    position=30,
    programs=(TOR,),
    forwards=True,
    keys=("authority",),
    check=_check,
    secrets=_secrets,
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
