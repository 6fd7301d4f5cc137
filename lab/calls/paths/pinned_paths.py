"""The several circuits of a call, pinned before and read back after it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from lab.calls.paths.circuit import targets_of
from lab.calls.paths.witnesses import Witnesses, witnesses
from lab.ends import CALLER
from lab.engine.execution import start_agent
from lab.errors import LabError
from lab.lifecycle.ready import ReadyLab
from lab.measure.call.notes import CallNotes
from lab.measure.call.path import VoicePath
from lab.measure.call.tor_notes import CircuitNotes
from lab.tor.circuits import CallPaths
from lab.wire.circuits import CIRCUITS


@contextmanager
def pinned_paths(lab: ReadyLab, path: VoicePath, notes: CallNotes) -> Iterator[None]:
    """Build the path's circuits, over which the caller's streams go one by one, and to no others.

    What becomes of each, and what every Tor on it sees, is in the notes; LabError where one cannot
    be built.
    """
    relays = dict.fromkeys(relay for circuit in path.paths for relay in circuit)
    with (
        witnesses(lab, [CALLER, *relays]) as seeing,
        start_agent(lab.running, CALLER, CIRCUITS) as agent,
    ):
        circuits = CallPaths(agent)
        built = circuits.pin(path.paths, targets_of(path, CALLER, available=False)).circuits
        notes.circuits += [
            CircuitNotes(CALLER, wanted, lab.relays, state, path=number)
            for number, (wanted, state) in enumerate(zip(path.paths, built, strict=True), start=1)
        ]
        try:
            yield
        except LabError:
            # What the call failed of may be the circuits; where that cannot be told, it is not.
            with suppress(LabError):
                _read_back(circuits, seeing, notes)
            raise
        _read_back(circuits, seeing, notes)


def _read_back(circuits: CallPaths, seeing: Witnesses, notes: CallNotes) -> None:
    """Note what became of each, and what the Tors on it saw."""
    states, told = circuits.read().circuits, seeing.told()
    for circuit, state in zip(notes.circuits, states, strict=True):
        circuit.after = state
        circuit.witnesses = {
            node: witness
            for node, witness in told.items()
            if node == CALLER or node in circuit.wanted
        }
