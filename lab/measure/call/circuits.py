"""The circuits of a call, in its record: as their clients, and as the relays on them, saw them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lab.ends import BOTH, CALLEE, CALLER
from lab.measure.call.path import VoicePath
from lab.measure.call.tor_notes import CircuitNotes
from lab.measure.record import CallRecord
from lab.wire.circuits import CircuitState, Leg
from lab.wire.tor_witness import SeenCircuit, followed


def note_circuits(
    record: CallRecord,
    path: VoicePath | None,
    circuits: Sequence[CircuitNotes],
    *,
    may_end: bool = False,
) -> None:
    """Write the circuits of both ends into the record, and what is wrong with any of them.

    Of a call over several circuits the record's own is the first; `may_end`: something was broken
    on purpose, of which one of several may have ended.
    """
    if path is not None and path.circuit:
        record.anonymous = CALLER if path.callee_leg is None else BOTH
    for circuit in circuits:
        steps = seen_by_relays(circuit)
        if circuit.path in (None, 1):
            _note(record, circuit, steps)
        # One of several that ended when something was broken on purpose is not held against it.
        broken = may_end and circuit.path is not None and circuit.after and circuit.after.ended
        if not broken:
            if circuit.after is not None:
                record.invalid_reasons += circuit.after.faults(circuit.wanted, _whose(circuit))
            record.invalid_reasons += sight_faults(circuit, steps)
    if record.circuit is not None and record.callee_relays is not None:
        common = set(record.circuit.split()) & set(record.callee_relays.split())
        record.relays_in_both = len(common)


def _note(
    record: CallRecord, circuit: CircuitNotes, steps: Sequence[tuple[str, SeenCircuit]]
) -> None:
    """Write down the one circuit that the record has of an end."""
    note = {CALLER: _note_caller, CALLEE: _note_callee}[circuit.end]
    for state in (circuit.built, circuit.after):
        if state is not None:
            note(record, state, circuit.fingerprints)
    if circuit.end == CALLER and circuit.after is not None and circuit.after.legs:
        record.circuit_legs = {
            " ".join(leg.path): f"{_carried(leg)}{_passed(circuit, leg)}"
            for leg in circuit.after.legs
        }
    if circuit.end == CALLER and steps:
        record.circuit_seen = " ".join(name for name, _ in steps)
        guard = steps[0][1]
        record.circuit_cells, record.circuit_cells_back = guard.cells_out, guard.cells_back
    elif steps:
        record.callee_circuit_seen = " ".join(name for name, _ in steps)


def seen_by_relays(
    circuit: CircuitNotes, number: str | None = None
) -> Sequence[tuple[str, SeenCircuit]]:
    """The relays that passed its cells on, each by its own account, as far as that goes.

    `number` is the client's own of one circuit of a set.
    """
    told = {node: each.seen for node, each in circuit.witnesses.items() if each.seen is not None}
    client = told.pop(circuit.end, None)
    number = circuit.built.number if number is None else number
    return followed(number, client, told) if client is not None else ()


def sight_faults(circuit: CircuitNotes, steps: Sequence[tuple[str, SeenCircuit]]) -> list[str]:
    """What relays saw against "the circuit went over exactly these"; who said nothing apart."""
    told = circuit.witnesses.values()
    if not told or any(each.seen is None for each in told):
        return []
    if circuit.built.number is not None:
        return _sight_faults(circuit.end, circuit.wanted, steps)
    # A set of circuits has no number, but each of them has.
    client = circuit.witnesses[circuit.end].seen
    used = {seen.number for seen in client.circuits} if client is not None else set()
    return [
        fault
        for leg in circuit.built.legs
        # One that carried nothing meanwhile, nobody has seen.
        if leg.number in used
        for fault in _sight_faults(circuit.end, leg.path, seen_by_relays(circuit, leg.number))
    ]


def _sight_faults(
    end: str, wanted: Sequence[str], steps: Sequence[tuple[str, SeenCircuit]]
) -> list[str]:
    went = tuple(name for name, _ in steps)
    if went == tuple(wanted) and steps[-1][1].outbound is None:
        return []
    further = " and further" if steps and steps[-1][1].outbound is not None else ""
    seen = "-".join(went) or "no relay"
    return [f"the circuit of the {end} was seen to go over {seen}{further}, not {'-'.join(wanted)}"]


def ended_circuits(circuits: Sequence[CircuitNotes]) -> list[str]:
    """Which circuits were built and ended while the call went on, each with tor's reason.

    Of several that carry one call none as long as another lives: the call goes on.
    """
    ended = [
        f"the {_whose(circuit)}circuit ended: {circuit.after.ended}"
        for circuit in circuits
        if circuit.after is not None and circuit.after.ended is not None
    ]
    several = sum(circuit.path is not None for circuit in circuits)
    return ended if len(ended) >= several else []


def _whose(circuit: CircuitNotes) -> str:
    if circuit.path is not None:
        return f"path-{circuit.path} "
    return "" if circuit.end == CALLER else f"{circuit.end}'s "


def _note_caller(record: CallRecord, state: CircuitState, fingerprints: Mapping[str, str]) -> None:
    record.circuit_build_ms = state.build_ms
    record.circuit_leg_bytes = {
        " ".join(leg.path): float(leg.sent_bytes + leg.received_bytes) for leg in state.legs
    }
    if state.path:
        record.circuit, record.hops = " ".join(state.path), len(state.path)
        record.caller_circuit = _fingerprints(state, fingerprints)
        record.guard, record.middle, record.exit = _hops(state)


def _note_callee(record: CallRecord, state: CircuitState, fingerprints: Mapping[str, str]) -> None:
    record.callee_circuit_build_ms = state.build_ms
    if state.path:
        record.callee_relays = " ".join(state.path)
        record.callee_circuit = _fingerprints(state, fingerprints)
        record.callee_guard, record.callee_middle, record.callee_exit = _hops(state)


def _fingerprints(state: CircuitState, fingerprints: Mapping[str, str]) -> str:
    return " ".join(fingerprints.get(name, name) for name in state.path)


def _hops(state: CircuitState) -> tuple[str, str | None, str]:
    """Guard, whatever is in the middle, exit."""
    return state.path[0], " ".join(state.path[1:-1]) or None, state.path[-1]


def _carried(leg: Leg) -> str:
    rtt = "" if leg.rtt_ms is None else f", round trip {leg.rtt_ms:.0f} ms"
    return f"sent {leg.sent_bytes} bytes, received {leg.received_bytes} bytes{rtt}"


def _passed(circuit: CircuitNotes, leg: Leg) -> str:
    """The cells that its guard passed on, by the guard's own account."""
    steps = seen_by_relays(circuit, leg.number) if leg.number is not None else ()
    if not steps:
        return ""
    guard = steps[0][1]
    return f"; {steps[0][0]} passed on {guard.cells_out} cells out and {guard.cells_back} back"
