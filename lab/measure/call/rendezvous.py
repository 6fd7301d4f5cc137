"""How a call met an onion service, in its record; and what contradicts that it did so afresh."""

from __future__ import annotations

from collections.abc import Iterator

from lab.measure.call.notes import CallNotes
from lab.measure.record import CallRecord
from lab.wire.onion import MetCircuit, RendezvousState


def note_rendezvous(record: CallRecord, notes: CallNotes) -> None:
    """Write both sides' circuits into the record, and what is wrong with them."""
    if notes.path is None or notes.path.onion is None:
        return
    record.onion_address = notes.path.onion.address
    met = notes.rendezvous
    if met is not None:
        ended = "{} circuits ended before at the caller, {} at the service".format(*met.closed)
        record.rendezvous_asked = f"a fresh one, over relays of tor's own choice; {ended}"
    if met is None or met.client is None or met.service is None:
        if notes.failure is None:
            record.invalid_reasons.append("where the service was met is not known")
        return
    record.invalid_reasons += rendezvous_faults(met.client, met.service)
    own, far = _joined(met.client), _joined(met.service)
    if own:
        record.circuit_build_ms = own.joined_ms
        record.circuit = " ".join(own.path)
        record.caller_circuit = " ".join(met.fingerprints.get(name, name) for name in own.path)
        record.guard, record.middle = own.path[0], " ".join(own.path[1:-1]) or None
        record.rendezvous = own.path[-1]
    if own and far:
        record.service_circuit = " ".join(far.path)
        record.hops = len(own.path) + len(far.path) - 1
        record.relays_used = len({*own.path, *far.path})


def rendezvous_faults(client: RendezvousState, service: RendezvousState) -> list[str]:
    """What contradicts "voice took one fresh rendezvous circuit, and nothing else"."""
    found: list[str] = []
    for side, state in (("the caller", client), ("the service", service)):
        joined = [circuit for circuit in state.circuits if circuit.joined]
        if len(joined) != 1:
            found.append(f"{side} met the other on {len(joined)} circuits, not on one")
        found += [
            f"the rendezvous circuit of {side} ended: {circuit.ended}"
            for circuit in joined
            if circuit.ended is not None
        ]
        if joined and not any(circuit.read_bytes and circuit.written_bytes for circuit in joined):
            found.append(f"the rendezvous circuit of {side} carried nothing both ways")
    own, far = _joined(client), _joined(service)
    if own and far and own.path[-1:] != far.path[-1:]:
        found.append(
            f"the caller's circuit ended at {own.path[-1]}, the service's at {far.path[-1]}"
        )
    found += _stray_streams(client)
    return found


def _stray_streams(client: RendezvousState) -> Iterator[str]:
    if not any(stream.on_rendezvous and stream.succeeded for stream in client.streams):
        yield "no stream was carried by a rendezvous circuit"
    if strays := [s.target for s in client.streams if s.succeeded and not s.on_rendezvous]:
        yield f"streams went another way: {', '.join(strays)}"


def _joined(state: RendezvousState) -> MetCircuit | None:
    """The circuit that carried the call: of those that were joined, the busiest."""
    joined = [circuit for circuit in state.circuits if circuit.joined and circuit.path]
    return max(joined, key=lambda c: c.read_bytes + c.written_bytes, default=None)
