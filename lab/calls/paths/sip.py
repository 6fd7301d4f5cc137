"""Direct SIP: voice over UDP; the Tor hosts on the way only forward its packets."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from lab.calls.paths.base import VoicePath, last_router
from lab.calls.workspace import Workspace
from lab.lifecycle.ready import ReadyLab
from lab.measure.record import CallRecord


@contextmanager
def open_path(lab: ReadyLab, _record: CallRecord, _workspace: Workspace) -> Iterator[VoicePath]:
    """Nothing has to be opened: the caller's own address reaches the PBX."""
    pbx = lab.pbx_address
    yield VoicePath(
        caller_address=lab.caller.links[0].address,
        tunnelled=False,
        next_hop=pbx,
        server_address=pbx,
        exit_machine=last_router(lab, pbx),
    )
