"""How the agent in a node is spoken to; `lab.engine` and tests provide it."""

from __future__ import annotations

from typing import Protocol, TypeVar

from lab.wire.messages import Event, Order

EventT = TypeVar("EventT", bound=Event)


class Channel(Protocol):
    """A running `lab.agents.tor.circuits`, wherever it runs."""

    def ask(self, order: Order, kind: type[EventT], timeout_s: float) -> EventT:
        """Send one order and return its answer, which must be a `kind`.

        LabError where it is another, or a failure, the agent ended, or nothing came in time.
        """
        ...
