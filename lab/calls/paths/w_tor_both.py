"""W-Tor with both ends anonymous: each phone reaches the TURN server over a circuit of its own."""

from __future__ import annotations

from dataclasses import replace

from lab.calls.paths import m_tor_both, w_tor
from lab.calls.paths.base import Way, hidden_callee_end
from lab.calls.paths.callee import callee_leg
from lab.lifecycle.ready import ReadyLab
from lab.measure.call.path import VoicePath
from lab.wire.ports import SOCKS_PORT


def plan_path(lab: ReadyLab, seed: int) -> VoicePath:
    """As W-Tor's, and from the TURN server on over the callee's circuit, and by no other way."""
    path = w_tor.plan_path(lab, seed)
    leg = callee_leg(lab, path, seed, SOCKS_PORT)
    return replace(path, callee=hidden_callee_end(lab), callee_leg=leg)


WAY = Way(plan_path, m_tor_both.open_path)
