"""V-Tor with both ends anonymous: each has a tunnel of its own, through a circuit of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from lab.calls.paths import v_tor
from lab.calls.paths.base import Way, hidden_callee_end
from lab.calls.paths.callee import callee_leg
from lab.calls.paths.circuit import PinnedCircuit, pinned_callee_circuit
from lab.calls.paths.tunnel import callee_tunnel_address, open_callee_tunnel
from lab.calls.workspace import Workspace
from lab.lifecycle.ready import ReadyLab
from lab.measure.call.notes import CallNotes
from lab.measure.call.path import VoicePath
from lab.wire.ports import SOCKS_PORT


def plan_path(lab: ReadyLab, seed: int) -> VoicePath:
    """As V-Tor's, and at the server on through the callee's tunnel over its circuit.

    Every such call is checked: one packet between the home of either end and the server's machine
    makes it invalid.
    """
    path = v_tor.plan_path(lab, seed)
    leg = callee_leg(lab, path, seed)
    callee = hidden_callee_end(lab, callee_tunnel_address(lab))
    return replace(path, callee=callee, callee_leg=leg, closed=leg.closed)


@contextmanager
def open_path(
    lab: ReadyLab, path: VoicePath, notes: CallNotes, workspace: Workspace
) -> Iterator[Sequence[PinnedCircuit]]:
    """Build the caller's circuit and tunnel, then the callee's; read both circuits at the end.

    LabError where any of them cannot be built.
    """
    with (
        v_tor.open_path(lab, path, notes, workspace) as callers,
        pinned_callee_circuit(lab, path, notes) as callees,
        open_callee_tunnel(lab, notes, workspace, SOCKS_PORT),
    ):
        yield (*callers, callees)


WAY = Way(plan_path, open_path)
