"""What a kind of competing traffic is: how it is had, and what it needs.

A kind is one module of `lab.load.kinds`; everything that lists, names or checks kinds is derived
from these values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lab.calls.needs import Need
from lab.errors import LabError
from lab.lazy import Lazy
from lab.load.needs import COMPETITOR, COMPETITOR_TOR
from lab.load.spec import LoadSpec, Route

if TYPE_CHECKING:
    from lab.events import Listener
    from lab.lifecycle.ready import ReadyLab
    from lab.load.load import Load
    from lab.topology.model import Topology

    RunLoad = Callable[[ReadyLab, LoadSpec, Listener], AbstractContextManager[Load]]
    """Has a load run while the block does; LabError where it does not come to that."""

MOST = 1000
"""Of any kind at once."""


@dataclass(frozen=True, slots=True)
class LoadKind:
    """One kind of competing traffic."""

    name: str
    """On the command line, in experiments and in records."""
    description: str
    """What it is, in lists and in titles of reports: `other SIP calls`."""
    both_ways: bool
    """Whether it loads both directions, rather than that of the voice that is scored."""
    position: int
    """Where it stands among the others in lists."""
    run: Lazy[RunLoad]
    needs: tuple[Need, ...] = ()
    """What a topology must have to carry it; the first that is missing is told."""
    most: Mapping[Route, int] = field(default_factory=dict)
    """How many there can be at once, by their route, where that is fewer than `MOST`."""
    same_calls: Mapping[Route, str] = field(default_factory=dict)
    """The method that makes the same calls, by their route; empty for what is no call."""
    paper_table: int | None = None
    """The paper's table that is about it."""

    @property
    def explanation(self) -> str:
        """Its description, and which way it flows."""
        flow = "both ways at once" if self.both_ways else "the way of the voice that is scored"
        return f"{self.description}, {flow}"

    def excess(self, count: int, route: Route) -> str | None:
        """What to say where that many cannot be; None where they can."""
        most = self.most.get(route, MOST)
        if count <= most:
            return None
        ways = "through Tor" if route == "tor" else "at once"
        return f"at most {most} {self.name} can be had {ways}, not {count}"

    def check(self, spec: LoadSpec, topology: Topology) -> None:
        """LabError where the load cannot be had in that topology, with what is missing."""
        if excess := self.excess(spec.count, spec.route):
            raise LabError(excess)
        through = (COMPETITOR_TOR,) if spec.route == "tor" else ()
        for need in (COMPETITOR, *through, *self.needs):
            if not need.met(topology):
                raise LabError(
                    f"topology {topology.name} cannot carry competing {self.name}: {need.lack}",
                    need.remedy,
                )
