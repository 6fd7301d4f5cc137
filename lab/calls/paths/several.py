"""V-Tor over several circuits: the same tunnel, whose packets forwarders carry over all of them.

As V-Tor but for the paths: OpenVPN with the same cipher at both ends, Tor's SOCKS port, pinned
circuits, of which the first is the one that a V-Tor call of the same seed has. OpenVPN itself
speaks UDP here, to a forwarder on loopback at either end: in TCP mode it takes its packets in order
alone, so that one path would wait for the other. The forwarder at the server stands where
OpenVPN's own server does in V-Tor, at the machine that exits speak to. Either way a packet of voice
is one cell: OpenVPN adds two bytes to it in TCP mode, and a forwarder 16 or, where policies rank
paths, some more.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from lab.calls.paths import v_tor
from lab.calls.paths.base import Way, pbx_hop, relay_hops, vpn_hop
from lab.calls.paths.circuit import PinnedCircuit
from lab.calls.paths.forwarders import carried_tunnel, port_of
from lab.calls.paths.pinned_paths import pinned_paths
from lab.calls.workspace import Workspace
from lab.errors import LabError
from lab.lifecycle.ready import ReadyLab
from lab.measure.call.notes import CallNotes, CallPlan
from lab.measure.call.path import VoicePath
from lab.tor.several import paths_of_call


def way_of(plan: CallPlan) -> Way:
    """The way of a call over as many circuits as are planned."""

    def plan_path(lab: ReadyLab, seed: int) -> VoicePath:
        """As V-Tor's, over every circuit; LabError where there are not so many."""
        if lab.caller.bridges:
            raise LabError(
                f"{lab.caller.name} enters Tor by bridges, and a call over several circuits by "
                "relays alone",
                "Leave `bridges` out, or call with `--policy single`.",
            )
        paths = paths_of_call(lab.topology, seed, plan.paths, disjoint=plan.disjoint)
        relays = tuple(dict.fromkeys(relay for path in paths for relay in path))
        return replace(
            v_tor.plan_path(lab, seed),
            hops=(*relay_hops(lab, relays), vpn_hop(lab), pbx_hop(lab)),
            server_port=port_of(lab.topology),
            paths=paths,
        )

    return Way(plan_path, open_path)


@contextmanager
def open_path(
    lab: ReadyLab, path: VoicePath, notes: CallNotes, workspace: Workspace
) -> Iterator[Sequence[PinnedCircuit]]:
    """Build the circuits, a path over each, and the tunnel over all; read back all at the end.

    LabError where any of them cannot be built.
    """
    with pinned_paths(lab, path, notes), carried_tunnel(lab, path, notes, workspace):
        yield ()
