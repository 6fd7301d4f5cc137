"""Exactly one circuit per call, pinned before and read back after it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from lab.ends import CALLER
from lab.engine.execution import start_agent
from lab.lifecycle.ready import ReadyLab
from lab.measure.call.notes import CallNotes, CircuitNotes, VoicePath
from lab.tor.circuits import CallCircuit
from lab.wire.circuits import CIRCUITS


@contextmanager
def pinned_circuit(lab: ReadyLab, path: VoicePath, notes: CallNotes) -> Iterator[None]:
    """Build the path's circuit, the only one that carries streams, and those to its server alone.

    What becomes of the circuit is in the notes; LabError where it cannot be built.
    """
    target = f"{path.server.address}:{path.server_port}"
    with start_agent(lab.running, lab.caller.name, CIRCUITS) as agent:
        circuit = CallCircuit(agent)
        state = circuit.pin(path.circuit, [target])
        built = CircuitNotes(CALLER, path.circuit, lab.relays, state)
        notes.circuits.append(built)
        yield
        built.after = circuit.read()
