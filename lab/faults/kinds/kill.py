"""A node that is killed, as `kill -9` does, and started again."""

from __future__ import annotations

from lab.faults.kind import FaultKind
from lab.lazy import Lazy
from lab.wire.faults import KILL

FAULT_KIND = FaultKind(
    name=KILL,
    description="Kill NODE without warning, as `kill -9` does",
    past="dead",
    ended_by="restart",
    ending="Start NODE again, with its network as the topology says; kill it first if it runs",
    position=30,
    inject=Lazy("lab.faults.nodes", "killed"),
    mend=Lazy("lab.faults.nodes", "restart"),
    on_link=False,
    stops_node=True,
)
