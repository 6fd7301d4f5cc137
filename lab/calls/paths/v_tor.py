"""V-Tor: OpenVPN in TCP mode through Tor's SOCKS port, over exactly one circuit per call."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from lab.calls.paths.base import Way, callee_end, caller_end, pbx_hop, relay_hops, vpn_hop
from lab.calls.paths.circuit import PinnedCircuit, pinned_circuit
from lab.calls.paths.tunnel import open_tunnel, tunnel_address
from lab.calls.workspace import Workspace
from lab.lifecycle.ready import ReadyLab
from lab.measure.call.notes import CallNotes
from lab.measure.call.path import VoicePath
from lab.tor.paths import entered, path_of_call
from lab.wire.ports import SOCKS_PORT


def plan_path(lab: ReadyLab, seed: int) -> VoicePath:
    """Through the tunnel over the call's circuit to the server, and there to the PBX."""
    relays = entered(path_of_call(lab.topology, seed), lab.caller, seed)
    server = vpn_hop(lab)
    return VoicePath(
        caller=caller_end(lab, tunnel_address(lab)),
        callee=callee_end(lab),
        hops=(*relay_hops(lab, relays), server, pbx_hop(lab)),
        server=server,
        exit_machine=relays[-1],
        server_port=lab.topology.vpn.port,
        circuit=relays,
        linked=lab.topology.tor.conflux != "off",
    )


@contextmanager
def open_path(
    lab: ReadyLab, path: VoicePath, notes: CallNotes, workspace: Workspace
) -> Iterator[Sequence[PinnedCircuit]]:
    """Build the call's circuit, then the tunnel through it; read the circuit back at the end.

    LabError where either cannot be built.
    """
    with (
        pinned_circuit(lab, path, notes) as circuit,
        open_tunnel(lab, notes, workspace, SOCKS_PORT),
    ):
        yield (circuit,)


WAY = Way(plan_path, open_path)
