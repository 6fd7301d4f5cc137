"""A call under way, as the page's tests make one."""

from __future__ import annotations

from lab.events import CallBegan
from lab.events.told import Told

BEGAN = Told(0.0, "paper", "call", 1, CallBegan("c1", "sip", "PCMU"))
"""What was told of its beginning."""
