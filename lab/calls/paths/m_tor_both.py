"""M-Tor with both ends anonymous: each client reaches Murmur over a circuit of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from lab.calls.paths import m_tor
from lab.calls.paths.base import Way, hidden_callee_end
from lab.calls.paths.callee import callee_leg
from lab.calls.paths.circuit import PinnedCircuit, pinned_callee_circuit
from lab.calls.workspace import Workspace
from lab.ends import CALLEE
from lab.lifecycle.ready import ReadyLab
from lab.measure.call.notes import CallNotes
from lab.measure.call.path import VoicePath
from lab.wire.ports import SOCKS_PORT


def plan_path(lab: ReadyLab, seed: int) -> VoicePath:
    """As M-Tor's, and from Murmur on over the callee's circuit, and by no other way."""
    path = m_tor.plan_path(lab, seed)
    leg = callee_leg(lab, path, seed, SOCKS_PORT)
    return replace(path, callee=hidden_callee_end(lab), callee_leg=leg)


@contextmanager
def open_path(
    lab: ReadyLab, path: VoicePath, notes: CallNotes, workspace: Workspace
) -> Iterator[Sequence[PinnedCircuit]]:
    """Close the ways past Tor and build a circuit for each end; at the end read both back.

    LabError where one cannot be built.
    """
    assert path.callee_leg
    with (
        m_tor.open_path(lab, path, notes, workspace) as callers,
        m_tor.no_way_past_tor(lab, path.callee_leg.closed, CALLEE),
        pinned_callee_circuit(lab, path, notes) as callees,
    ):
        yield (*callers, callees)


WAY = Way(plan_path, open_path)
