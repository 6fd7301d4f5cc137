"""W-Tor: the connection to the TURN server through Tor's SOCKS port, over exactly one circuit."""

from __future__ import annotations

from dataclasses import replace

from lab.calls.paths import m_tor
from lab.calls.paths.base import Way
from lab.calls.paths.webrtc import turn_hop
from lab.lifecycle.ready import ReadyLab
from lab.measure.call.path import VoicePath
from lab.wire.ports import TURN_PORT


def plan_path(lab: ReadyLab, seed: int) -> VoicePath:
    """Over the call's circuit to the TURN server, and by no other way: not to the callee either,
    whom WebRTC would reach by itself where it could."""
    path = m_tor.through_tor(lab, seed, turn_hop(lab), TURN_PORT)
    callee = tuple(link.address for link in lab.topology.machine(path.callee.node).links)
    return replace(path, no_udp=True, closed=tuple(dict.fromkeys((*path.closed, *callee))))


WAY = Way(plan_path, m_tor.open_path)
