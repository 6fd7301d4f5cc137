"""Direct Mumble: one TCP connection straight to Murmur; the Tor hosts only forward packets."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address

from lab.calls.paths.base import VoicePath, last_router
from lab.calls.workspace import Workspace
from lab.errors import LabError
from lab.lifecycle.ready import ReadyLab
from lab.measure.record import CallRecord
from lab.render.mumble import mumble_address
from lab.wire.ports import MUMBLE_PORT


@contextmanager
def open_path(lab: ReadyLab, _record: CallRecord, _workspace: Workspace) -> Iterator[VoicePath]:
    """Nothing has to be opened: the caller's own address reaches Murmur."""
    server = murmur_of(lab)
    yield VoicePath(
        caller_address=lab.caller.links[0].address,
        tunnelled=False,
        next_hop=server,
        server_address=server,
        exit_machine=last_router(lab, server),
        server_port=MUMBLE_PORT,
        client_connects=True,
        pinged=False,
    )


def murmur_of(lab: ReadyLab) -> IPv4Address:
    """Murmur's address; LabError where the lab has none."""
    address = mumble_address(lab.topology)
    if address is None:
        raise LabError(
            f"topology {lab.topology.name} has no Murmur",
            "Give it a node with `role: mumble-server`, such as the one of topologies/paper.yaml.",
        )
    return address
