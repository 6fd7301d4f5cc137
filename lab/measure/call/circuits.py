"""The circuits of a call, in its record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lab.measure.call.notes import CircuitNotes
from lab.measure.record import CallRecord
from lab.wire.circuits import CircuitState


def note_circuits(record: CallRecord, circuits: Sequence[CircuitNotes]) -> None:
    """Write the caller's circuit into the record, and what is wrong with any of them."""
    for circuit in circuits:
        if circuit.end == "caller":
            _note(record, circuit.built, circuit.fingerprints)
            if circuit.after is not None:
                _note(record, circuit.after, circuit.fingerprints)
        if circuit.after is not None:
            record.invalid_reasons += circuit.after.faults(circuit.wanted)


def _note(record: CallRecord, state: CircuitState, fingerprints: Mapping[str, str]) -> None:
    record.circuit_build_ms = state.build_ms
    if not state.path:
        return
    record.circuit = " ".join(state.path)
    record.caller_circuit = " ".join(fingerprints.get(name, name) for name in state.path)
    record.guard, record.exit = state.path[0], state.path[-1]
    record.middle = " ".join(state.path[1:-1]) or None
