"""Direct WebRTC: one TCP connection straight to the TURN server; Tor hosts only forward packets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from lab.calls.paths.base import Way, callee_end, caller_end, last_router
from lab.calls.paths.circuit import PinnedCircuit
from lab.calls.workspace import Workspace
from lab.errors import LabError
from lab.lifecycle.ready import ReadyLab
from lab.measure.call.notes import CallNotes
from lab.measure.call.path import Hop, VoicePath
from lab.render.turn import turn_address
from lab.wire.ports import TURN_PORT


def plan_path(lab: ReadyLab, _seed: int) -> VoicePath:
    """From the caller's own address to the TURN server."""
    turn = turn_hop(lab)
    return VoicePath(
        caller=caller_end(lab),
        callee=callee_end(lab),
        hops=(turn,),
        server=turn,
        exit_machine=last_router(lab, turn.address),
        server_port=TURN_PORT,
        client_connects=True,
        no_udp=True,
        pinged=False,
    )


@contextmanager
def open_path(
    _lab: ReadyLab, _path: VoicePath, _notes: CallNotes, _workspace: Workspace
) -> Iterator[Sequence[PinnedCircuit]]:
    """Nothing has to be opened: the caller's own address reaches the TURN server."""
    yield ()


WAY = Way(plan_path, open_path)


def turn_hop(lab: ReadyLab) -> Hop:
    """The TURN server, at the address by which every phone knows it; LabError where none is."""
    address = turn_address(lab.topology)
    if address is None:
        raise LabError(
            f"topology {lab.topology.name} has no TURN server",
            "Give it a node with `role: turn`, such as the one of topologies/paper.yaml.",
        )
    (node,) = lab.topology.with_role("turn")
    return Hop(node.name, address)
