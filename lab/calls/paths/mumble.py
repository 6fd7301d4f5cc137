"""Direct Mumble: one TCP connection straight to Murmur; the Tor hosts only forward packets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from ipaddress import IPv4Address

from lab.calls.paths.base import Way, callee_end, caller_end, last_router
from lab.calls.paths.circuit import PinnedCircuit
from lab.calls.workspace import Workspace
from lab.errors import LabError
from lab.lifecycle.ready import ReadyLab
from lab.measure.call.notes import CallNotes
from lab.measure.call.path import Hop, VoicePath
from lab.render.mumble import mumble_address
from lab.wire.ports import MUMBLE_PORT


def plan_path(lab: ReadyLab, _seed: int) -> VoicePath:
    """From the caller's own address to Murmur."""
    murmur = murmur_hop(lab)
    return VoicePath(
        caller=caller_end(lab),
        callee=callee_end(lab),
        hops=(murmur,),
        server=murmur,
        exit_machine=last_router(lab, murmur.address),
        server_port=MUMBLE_PORT,
        client_connects=True,
        pinged=False,
    )


@contextmanager
def open_path(
    _lab: ReadyLab, _path: VoicePath, _notes: CallNotes, _workspace: Workspace
) -> Iterator[Sequence[PinnedCircuit]]:
    """Nothing has to be opened: the caller's own address reaches Murmur."""
    yield ()


WAY = Way(plan_path, open_path)


def murmur_hop(lab: ReadyLab) -> Hop:
    """Murmur, at the address by which every client knows it; LabError where the lab has none."""
    address = murmur_of(lab)
    (node,) = lab.topology.with_role("mumble-server")
    return Hop(node.name, address)


def murmur_of(lab: ReadyLab) -> IPv4Address:
    """Murmur's address; LabError where the lab has none."""
    address = mumble_address(lab.topology)
    if address is None:
        raise LabError(
            f"topology {lab.topology.name} has no Murmur",
            "Give it a node with `role: mumble-server`, such as the one of topologies/paper.yaml.",
        )
    return address
