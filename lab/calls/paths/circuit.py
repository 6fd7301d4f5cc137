"""Exactly one circuit per end of a call, pinned before and read back after it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

from lab.calls.paths.entry import watched_entry
from lab.calls.paths.witnesses import Witnesses, witnesses
from lab.ends import CALLEE, CALLER
from lab.engine.execution import start_agent
from lab.errors import LabError
from lab.lifecycle.ready import ReadyLab, relay_fingerprints
from lab.measure.call.notes import CallNotes
from lab.measure.call.path import VoicePath
from lab.measure.call.tor_notes import CircuitNotes
from lab.tor.circuits import CallCircuit
from lab.wire.circuits import CIRCUITS, CircuitState
from lab.wire.ports import BANDWIDTH_PORT


class PinnedCircuit:
    """The circuit of one end while it is open."""

    def __init__(
        self,
        circuit: CallCircuit,
        seeing: Witnesses,
        noted: CircuitNotes,
        read_entry: Callable[[], None],
    ) -> None:
        """`read_entry` notes how its client enters Tor, up to now."""
        self._circuit = circuit
        self._read_entry = read_entry
        self._seeing = seeing
        self._noted = noted

    def read_back(self) -> None:
        """Note what became of it, and what every Tor on it saw, up to now; it is done once.

        LabError where its client tells nothing.
        """
        if self._noted.after is None:
            self._read_entry()
            self._noted.after = self.state()
            self._noted.witnesses = self._seeing.told()

    def read_back_failed(self) -> None:
        """Note what became of it, where that can be told."""
        if self._noted.after is None:
            with suppress(LabError):
                self._noted.after = self.state()

    def state(self) -> CircuitState:
        """As it is now; LabError where its client tells nothing."""
        return self._circuit.read()


@contextmanager
def pinned_circuit(lab: ReadyLab, path: VoicePath, notes: CallNotes) -> Iterator[PinnedCircuit]:
    """Build the path's circuit, the only one that carries streams, and those to its server alone.

    What becomes of the circuit, and what every Tor on it sees, is in the notes; LabError where it
    cannot be built.
    """
    with _pinned(lab, CALLER, path.circuit, path, notes) as pinned:
        yield pinned


@contextmanager
def pinned_callee_circuit(
    lab: ReadyLab, path: VoicePath, notes: CallNotes
) -> Iterator[PinnedCircuit]:
    """The same of the callee's Tor client, which has a circuit of its own to the same server."""
    assert path.callee_leg
    with _pinned(lab, CALLEE, path.callee_leg.circuit, path, notes) as pinned:
        yield pinned


def targets_of(path: VoicePath, end: str, available: bool) -> tuple[str, ...]:
    """The `address:port` to which streams of that end may go.

    `available`: what the caller's way has left is measured after the call; what has no tunnel
    takes streams of its own for that.
    """
    server = path.server
    ports = [path.server_port]
    if available and end == CALLER and path.socks_port is not None:
        ports.append(BANDWIDTH_PORT)
    return tuple(f"{server.address}:{port}" for port in ports)


@contextmanager
def _pinned(
    lab: ReadyLab, end: str, relays: Sequence[str], path: VoicePath, notes: CallNotes
) -> Iterator[PinnedCircuit]:
    with (
        witnesses(lab, [end, *relays]) as seeing,
        start_agent(lab.running, end, CIRCUITS) as agent,
    ):
        circuit = CallCircuit(agent)
        opened = circuit.link if path.linked and end == CALLER else circuit.pin
        state = opened(relays, targets_of(path, end, notes.plan.available))
        built = CircuitNotes(end, tuple(relays), relay_fingerprints(lab.directory, end), state)
        notes.circuits.append(built)
        client = lab.topology.node(end)
        with watched_entry(lab, client, relays[0], agent, notes) as read_entry:
            pinned = PinnedCircuit(circuit, seeing, built, read_entry)
            try:
                yield pinned
                pinned.read_back()
            except LabError:
                # What the call failed of may be the circuit; where that cannot be told, it is not.
                pinned.read_back_failed()
                raise
