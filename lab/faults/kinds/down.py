"""A link that carries nothing, either way."""

from __future__ import annotations

from lab.faults.kind import FaultKind
from lab.lazy import Lazy
from lab.wire.faults import DOWN

FAULT_KIND = FaultKind(
    name=DOWN,
    description="Let nothing pass NODE's link to NETWORK, either way",
    past="down",
    ended_by="up",
    ending="End the fault of NODE's link to NETWORK: it does as its shape says",
    position=10,
    inject=Lazy("lab.faults.links", "link_fault"),
    mend=Lazy("lab.faults.links", "mend_link"),
    on_link=True,
)
