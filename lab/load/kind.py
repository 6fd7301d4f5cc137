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
from lab.load.spec import Flow, LoadSpec, Route

if TYPE_CHECKING:
    from lab.events import Listener
    from lab.lifecycle.ready import ReadyLab
    from lab.load.load import Load
    from lab.topology.model import Topology

    RunLoad = Callable[[ReadyLab, LoadSpec, Listener], AbstractContextManager[Load]]
    """Has a load run while the block does; LabError where it does not come to that."""

MOST = 1000
"""Of any kind at once."""
_FLOWS: Mapping[Flow, str] = {"down": "from the server", "up": "to the server"}


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
    details: str = ""
    """What its traffic is like, where its description does not say all."""
    flow: Flow | None = None
    """The way in which it always flows, of a kind that flows one way and leaves no choice."""
    own_circuits: bool = False
    """Whether it draws circuits of its own, wherever a call goes."""
    needs: tuple[Need, ...] = ()
    """What a topology must have to carry it; the first that is missing is told."""
    most: Mapping[Route, int] = field(default_factory=dict)
    """How many there can be at once, by their route, where that is fewer than `MOST`; 0 where it
    does not go that way."""
    same_calls: Mapping[Route, str] = field(default_factory=dict)
    """The method that makes the same calls, by their route; empty for what is no call."""
    paper_table: int | None = None
    """The paper's table that is about it."""

    @property
    def explanation(self) -> str:
        """Its description, and which way it flows."""
        flow = "both ways at once" if self.both_ways else "the way of the voice that is scored"
        flow = _FLOWS[self.flow] if self.flow else flow
        return f"{self.description}, {flow}{f' ({self.details})' if self.details else ''}"

    @property
    def usual_route(self) -> Route:
        """The one that is meant where none is said."""
        return "tor" if self.most.get("direct") == 0 else "direct"

    def flow_for(self, scored: Flow) -> Flow:
        """Which way it flows beside voice that is scored that way."""
        return self.flow or scored

    def excess(self, count: int, route: Route) -> str | None:
        """What to say where that many cannot be; None where they can."""
        most = self.most.get(route, MOST)
        if count <= most:
            return None
        if most == 0:
            other = "straight" if route == "tor" else "through Tor"
            return f"{self.name} goes {other} only"
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
