"""Direct SIP: voice over UDP; the Tor hosts on the way only forward its packets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from lab.calls.paths.base import Way, callee_end, caller_end, last_router, pbx_hop
from lab.calls.paths.circuit import PinnedCircuit
from lab.calls.workspace import Workspace
from lab.lifecycle.ready import ReadyLab
from lab.measure.call.notes import CallNotes
from lab.measure.call.path import VoicePath


def plan_path(lab: ReadyLab, _seed: int) -> VoicePath:
    """From the caller's own address to the PBX."""
    pbx = pbx_hop(lab)
    return VoicePath(
        caller=caller_end(lab),
        callee=callee_end(lab),
        hops=(pbx,),
        server=pbx,
        exit_machine=last_router(lab, pbx.address),
    )


@contextmanager
def open_path(
    _lab: ReadyLab, _path: VoicePath, _notes: CallNotes, _workspace: Workspace
) -> Iterator[Sequence[PinnedCircuit]]:
    """Nothing has to be opened: the caller's own address reaches the PBX."""
    yield ()


WAY = Way(plan_path, open_path)
