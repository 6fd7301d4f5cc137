"""Every kind of fault: one module each, with its `FAULT_KIND`."""

from __future__ import annotations

from lab.faults.kind import FaultKind
from lab.registry import Registry

FAULT_KINDS: Registry[FaultKind] = Registry(
    __name__, "FAULT_KIND", "kind of fault", lambda kind: kind.position
)
