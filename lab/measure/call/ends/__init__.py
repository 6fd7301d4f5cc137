"""Every kind of program that talks at the ends of calls: one module each, with its `END`."""

from __future__ import annotations

from lab.measure.call.end_kind import EndKind
from lab.registry import Registry

ENDS: Registry[EndKind] = Registry(__name__, "END", "kind of end", lambda kind: kind.name)
