"""Captures of a call between the relays of its circuit, beside those that every call has."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from pathlib import Path

from lab.calls.observe.observer import Observer
from lab.calls.observe.probes import START_DEADLINE_S, STOP_DEADLINE_S
from lab.calls.workspace import workspace_of
from lab.engine.agent import Agent
from lab.engine.execution import start_probe
from lab.lifecycle.ready import ReadyLab
from lab.measure.call.notes import CallNotes
from lab.measure.call.path import Hop, VoicePath
from lab.topology.routes import link_towards
from lab.wire.ports import OR_PORT
from lab.wire.probe import CapturePoint, EndObservation, Observe, Observed, Observing


def between_relays(lab: ReadyLab) -> Observer:
    """Captures what each relay of the call's circuit exchanges with the next one."""

    @contextmanager
    def observe(notes: CallNotes) -> Iterator[None]:
        workspace = workspace_of(lab, notes.call_id)
        mounts = {workspace.host: str(workspace.node)}
        with ExitStack() as stack:
            probes: list[Agent] = []
            for near, far in relay_pairs(notes.arrived):
                machine = lab.topology.machine(near.node)
                point = CapturePoint(
                    file_between(near.node, far.node).stem,
                    workspace.node / file_between(near.node, far.node),
                    f"host {far.address} and tcp port {OR_PORT}",
                    link_towards(lab.topology, machine, far.address).address,
                )
                probe = start_probe(lab.running, machine.name, lab.net_image, lab.owner, mounts)
                stack.enter_context(probe)
                probe.send(Observe((point,)))
                probes.append(probe)
            for probe in probes:
                probe.expect(Observing, START_DEADLINE_S)
            yield
            for probe in probes:
                probe.send(EndObservation())
            for probe in probes:
                probe.expect(Observed, STOP_DEADLINE_S)

    return observe


def circuit_relays(path: VoicePath) -> list[Hop]:
    """The relays of the caller's circuit, guard first."""
    return [hop for hop in path.hops if hop.node in path.circuit]


def relay_pairs(path: VoicePath) -> list[tuple[Hop, Hop]]:
    """Each of them with the next one."""
    return list(pairwise(circuit_relays(path)))


def file_between(near: str, far: str) -> Path:
    """The capture's name in the call's directory."""
    return Path(f"between-{near}-{far}.pcap")
