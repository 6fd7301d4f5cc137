"""A node whose programs stand still, though its machine answers."""

from __future__ import annotations

from lab.faults.kind import FaultKind
from lab.lazy import Lazy
from lab.wire.faults import PAUSE

FAULT_KIND = FaultKind(
    name=PAUSE,
    description="Let NODE's programs stand still, as a host does that hangs",
    past="paused",
    ended_by="resume",
    ending="Let the programs of NODE go on",
    position=40,
    inject=Lazy("lab.faults.nodes", "paused"),
    mend=Lazy("lab.faults.nodes", "go_on"),
    on_link=False,
)
