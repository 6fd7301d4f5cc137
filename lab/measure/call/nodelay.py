"""TCP_NODELAY along a call: where it was found to be set, and what contradicts what was asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from lab.measure.call.notes import CallNotes, ForwardedNotes
from lab.measure.call.tor_notes import CircuitNotes, TorWitness
from lab.measure.record import CallRecord
from lab.wire.nodelay import Place, Reach
from lab.wire.paths import PathsTold

MIXED = "mixed"
_PLACES: Mapping[tuple[Reach | None, Reach | None], Place] = {
    (None, None): Place.NONE,
    (Reach.ALL, None): Place.CLIENT,
    (None, Reach.EXITS): Place.EXIT,
    (None, Reach.ALL): Place.RELAYS,
    (Reach.ALL, Reach.ALL): Place.ALL,
}
"""By what clients and relays do."""
_WORDS = {
    None: "no connection",
    Reach.ALL: "every connection",
    Reach.EXITS: "connections as an exit",
}


def note_nodelay(record: CallRecord, notes: CallNotes) -> None:
    """Write what was read back into the record, and where it is not what was asked."""
    record.nodelay = place_of(notes.circuits)
    told = set(notes.tunnel_nodelay.values())
    if notes.forwarded is not None:
        told = {path.nodelay for side in _sides(notes.forwarded) for path in side.paths}
    record.vpn_nodelay = told.pop() if len(told) == 1 else None
    record.invalid_reasons += nodelay_faults(notes)


def _sides(forwarded: ForwardedNotes) -> list[PathsTold]:
    """What the forwarders told that stand in the place of the tunnel's own connection."""
    return [told for told in (forwarded.caller, forwarded.server) if told is not None]


def place_of(circuits: Sequence[CircuitNotes]) -> str | None:
    """Where it was found, in a topology's words; None where nobody told."""
    clients = _found(circuits, relays=False)
    relays = _found(circuits, relays=True)
    if not clients or not relays:
        return None
    if len(clients) > 1 or len(relays) > 1:
        return MIXED
    return _PLACES.get((clients.pop(), relays.pop()), MIXED)


def _found(circuits: Sequence[CircuitNotes], *, relays: bool) -> set[Reach | None]:
    return {
        witness.seen.nodelay.reach
        for circuit in circuits
        for node, witness in circuit.witnesses.items()
        if witness.seen is not None and (node in circuit.wanted) is relays
    }


def nodelay_faults(notes: CallNotes) -> list[str]:
    """What contradicts what was asked of Tor and of the tunnel."""
    witnesses = {
        node: witness for circuit in notes.circuits for node, witness in circuit.witnesses.items()
    }
    found = [fault for node, witness in witnesses.items() for fault in _faults(node, witness)]
    wanted = notes.lab.vpn_nodelay
    if wanted is not None:
        found += [
            f"OpenVPN at {node} {'set' if told else 'did not set'} TCP_NODELAY, which was "
            f"{'' if wanted else 'not '}asked for"
            for node, told in notes.tunnel_nodelay.items()
            if told is not wanted
        ]
    return found


def _faults(node: str, witness: TorWitness) -> Iterator[str]:
    if witness.seen is None:
        yield f"Tor at {node} did not tell what it saw of the circuit"
        return
    seen = witness.seen.nodelay
    if seen.reach is not witness.nodelay:
        yield (
            f"Tor at {node} sets TCP_NODELAY on {_WORDS[seen.reach]}, and was to on "
            f"{_WORDS[witness.nodelay]}"
        )
    if seen.refused:
        yield f"TCP_NODELAY could not be set on {seen.refused} connections of Tor at {node}"
