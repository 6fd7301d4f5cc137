"""A way past Tor and outside any tunnel: from the caller's own address straight to a server."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from lab.calls.paths.base import callee_end, caller_end, last_router
from lab.calls.paths.circuit import PinnedCircuit
from lab.calls.workspace import Workspace
from lab.lifecycle.ready import ReadyLab
from lab.measure.call.notes import CallNotes
from lab.measure.call.path import Hop, VoicePath


def straight_to(lab: ReadyLab, server: Hop) -> VoicePath:
    """From the caller's own address to `server`; hosts on the way only forward packets."""
    return VoicePath(
        caller=caller_end(lab),
        callee=callee_end(lab),
        hops=(server,),
        server=server,
        exit_machine=last_router(lab, server.address),
    )


@contextmanager
def open_path(
    _lab: ReadyLab, _path: VoicePath, _notes: CallNotes, _workspace: Workspace
) -> Iterator[Sequence[PinnedCircuit]]:
    """Nothing has to be opened: the caller's own address reaches the server."""
    yield ()
