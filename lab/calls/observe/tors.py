"""What every Tor on a call's way is, asked of the running processes after the call."""

from __future__ import annotations

from collections.abc import Iterator

from lab.ends import CALLER
from lab.errors import LabError
from lab.lifecycle.ready import ReadyLab
from lab.lifecycle.tor_settings import asked_of, read_tors
from lab.measure.call.notes import CallNotes
from lab.measure.call.tor_notes import TorNotes


def note_tors(lab: ReadyLab, notes: CallNotes) -> None:
    """Write into the notes what clients, relays and authority say of themselves."""
    topology = lab.topology
    names = list[str]()
    for circuit in notes.circuits:
        state = circuit.after or circuit.built
        legs = [name for leg in state.legs for name in leg.path]
        names += [circuit.end, *circuit.wanted, *legs]
    names += _met(notes)
    if not names:
        return
    names.append(topology.authority.name)
    known = {node.name for node in topology.nodes if node.tor_version is not None}
    asked = [name for name in dict.fromkeys(names) if name in known]
    told = read_tors(lab.running, topology, asked)
    notes.tors = tuple(
        TorNotes(
            name,
            asked_of(topology, topology.node(name)),
            None if isinstance(found, LabError) else found,
            found.message if isinstance(found, LabError) else None,
        )
        for name, found in told.items()
    )


def _met(notes: CallNotes) -> Iterator[str]:
    """The Tors of a call to an onion service: both sides' own, and those of their relays."""
    met, onion = notes.rendezvous, notes.path and notes.path.onion
    if met is None or not onion:
        return
    yield from (CALLER, onion.service)
    for state in (met.client, met.service):
        for circuit in state.circuits if state else ():
            yield from circuit.path
