"""The two ends of every call: the endpoints that a topology calls by these names."""

from __future__ import annotations

CALLER = "caller"
CALLEE = "callee"
