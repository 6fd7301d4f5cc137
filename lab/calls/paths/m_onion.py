"""M-Onion: a Mumble connection through Tor's SOCKS port to Murmur's onion service."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from lab.calls.paths.base import Way, callee_end, caller_end
from lab.calls.paths.circuit import PinnedCircuit
from lab.calls.paths.m_tor import no_way_past_tor
from lab.calls.paths.mumble import murmur_hop
from lab.calls.paths.rendezvous import fresh_rendezvous, onion_way
from lab.calls.workspace import Workspace
from lab.lifecycle.ready import ReadyLab
from lab.measure.call.notes import CallNotes
from lab.measure.call.path import VoicePath
from lab.wire.ports import MUMBLE_PORT, SOCKS_PORT


def plan_path(lab: ReadyLab, _seed: int) -> VoicePath:
    """To Murmur's onion service, and by no other way; no seed decides its relays.

    As M-Tor's calls it is checked: one packet between the caller and any address of Murmur's
    machine makes it invalid.
    """
    murmur = murmur_hop(lab)
    machine = lab.topology.machine(murmur.node)
    return VoicePath(
        caller=caller_end(lab),
        callee=callee_end(lab),
        hops=(murmur,),
        server=murmur,
        exit_machine=None,
        server_port=MUMBLE_PORT,
        client_connects=True,
        socks_port=SOCKS_PORT,
        pinged=False,
        closed=tuple(link.address for link in machine.links),
        onion=onion_way(lab, "mumble-server"),
    )


@contextmanager
def open_path(
    lab: ReadyLab, path: VoicePath, notes: CallNotes, _workspace: Workspace
) -> Iterator[Sequence[PinnedCircuit]]:
    """Close the ways past Tor; the client meets the service. LabError where that fails."""
    with no_way_past_tor(lab, path.closed), fresh_rendezvous(lab, path, notes):
        yield ()


WAY = Way(plan_path, open_path)
