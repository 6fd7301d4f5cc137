"""Exactly one circuit per call, pinned before and read back after it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict

from lab.calls.workspace import Workspace
from lab.engine.execution import start_agent
from lab.errors import LabError
from lab.lifecycle.ready import ReadyLab
from lab.measure.record import CallRecord
from lab.tor.circuits import CallCircuit
from lab.tor.paths import path_of_call
from lab.wire.circuits import CIRCUITS, CircuitState


@contextmanager
def pinned_circuit(
    lab: ReadyLab, record: CallRecord, workspace: Workspace, target: str
) -> Iterator[tuple[str, ...]]:
    """Build the call's circuit, the only one that carries streams, and those to `target` alone.

    Yields the names of its relays, guard first: the topology's, or drawn from the record's
    seed. `target` is `address:port`. A circuit that is not what was asked for, or ended, makes
    the call invalid; LabError where none can be built.
    """
    topology = lab.topology
    if not lab.caller.tor:
        raise LabError(
            f"{lab.caller.name} has no Tor client in topology {topology.name}",
            "Give it `tor: true`.",
        )
    relays = lab.relays
    wanted = path_of_call(topology, record.seed)
    with start_agent(lab.running, lab.caller.name, CIRCUITS) as agent:
        circuit = CallCircuit(agent)
        state = circuit.pin(wanted, [target])
        _note(record, state, relays)
        yield wanted
        state = circuit.read()
    (workspace.host / "circuit.json").write_text(
        json.dumps(asdict(state), indent=2), encoding="utf-8"
    )
    _note(record, state, relays)
    record.invalid_reasons += state.faults(wanted)


def _note(record: CallRecord, state: CircuitState, relays: Mapping[str, str]) -> None:
    """Write the circuit as Tor reports it into the record."""
    record.circuit_build_ms = state.build_ms
    if not state.path:
        return
    record.circuit = " ".join(state.path)
    record.caller_circuit = " ".join(relays.get(name, name) for name in state.path)
    record.guard, record.exit = state.path[0], state.path[-1]
    record.middle = " ".join(state.path[1:-1]) or None
