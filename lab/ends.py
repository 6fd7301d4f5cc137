"""The endpoints of calls and of what competes with them: a topology calls them by these names."""

from __future__ import annotations

CALLER = "caller"
CALLEE = "callee"
EACH_END = (CALLER, CALLEE)
OTHER_END = {CALLER: CALLEE, CALLEE: CALLER}
BOTH = "both"
"""Said of who is anonymous, beside `caller`."""
CLIENT = "client"
"""Competes with the caller: one end of all competing traffic."""
