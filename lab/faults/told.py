"""What is told of a fault when it begins, and when it is over."""

from __future__ import annotations

from lab.events import FaultBegan, FaultEnded
from lab.faults.fault import Fault


def began(fault: Fault) -> FaultBegan:
    """What is told when it does."""
    return FaultBegan(fault.kind, fault.node, fault.network, fault.loss_pct, fault.for_s)


def ended(fault: Fault, seconds: float | None = None, lost: int | None = None) -> FaultEnded:
    """What is told when it did; None: not known."""
    lasted_s = None if seconds is None else round(seconds, 3)
    return FaultEnded(fault.kind, fault.node, fault.network, lasted_s, lost)
