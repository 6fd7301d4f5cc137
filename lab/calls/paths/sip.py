"""Direct SIP: voice over UDP; the Tor hosts on the way only forward its packets."""

from __future__ import annotations

from lab.calls.paths.base import Way, pbx_hop
from lab.calls.paths.direct import open_path, straight_to
from lab.lifecycle.ready import ReadyLab
from lab.measure.call.path import VoicePath


def plan_path(lab: ReadyLab, _seed: int) -> VoicePath:
    """From the caller's own address to the PBX."""
    return straight_to(lab, pbx_hop(lab))


WAY = Way(plan_path, open_path)
