"""The callee's own way to the server, where Tor hides both ends of a call."""

from __future__ import annotations

from lab.calls.paths.base import relay_hops
from lab.lifecycle.ready import ReadyLab
from lab.measure.call.path import CalleeLeg, VoicePath
from lab.tor.paths import entered, path_of_callee


def callee_leg(
    lab: ReadyLab, path: VoicePath, seed: int, socks_port: int | None = None
) -> CalleeLeg:
    """Over a circuit of the callee's to the server at which the path of the caller ends.

    LabError where the topology names a circuit that is none.
    """
    topology = lab.topology
    relays = entered(path_of_callee(topology, path.circuit, seed), lab.callee, seed)
    return CalleeLeg(
        hops=(*relay_hops(lab, relays), path.server),
        exit_machine=relays[-1],
        circuit=relays,
        socks_port=socks_port,
        closed=tuple(link.address for link in topology.machine(path.server.node).links),
    )
