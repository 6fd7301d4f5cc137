"""A client or phone at an end of a call that does by a script what it is told."""

from __future__ import annotations

from collections import deque

from lab.engine.agent import AgentFailedError
from lab.wire.messages import Event, Failed, Order

Script = dict[type[Order], list[Event]]
"""What is told after each kind of order."""


class ScriptedClient:
    """Tells what its script says, or `answers` where they say otherwise; then nothing, or ends."""

    def __init__(
        self,
        script: Script,
        answers: Script | None = None,
        dies: bool = False,
    ) -> None:
        self.orders: list[Order] = []
        self._answers = {**script, **(answers or {})}
        self._events: deque[Event] = deque()
        self._dies = dies

    def send(self, order: Order) -> None:
        self.orders.append(order)
        self._events.extend(self._answers[type(order)])

    def receive(self, timeout_s: float) -> Event:
        if not self._events:
            raise EOFError("exit status 1") if self._dies else TimeoutError
        event = self._events.popleft()
        if isinstance(event, Failed):
            raise AgentFailedError("client", event.reason)
        return event
