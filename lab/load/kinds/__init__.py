"""Every kind of competing traffic: one module each, with its `LOAD_KIND`."""

from __future__ import annotations

from lab.load.kind import LoadKind
from lab.registry import Registry

LOAD_KINDS: Registry[LoadKind] = Registry(
    __name__, "LOAD_KIND", "kind of load", lambda kind: kind.position
)
