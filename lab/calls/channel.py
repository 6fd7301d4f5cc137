"""What carries orders to a running agent and its events back; knows no Docker."""

from __future__ import annotations

from typing import Any, Protocol


class Channel(Protocol):
    """A running agent's standard input and output."""

    def send(self, message: dict[str, Any]) -> None:
        """Hand one order over; EOFError when the agent has ended."""

    def receive(self, timeout_s: float) -> dict[str, Any]:
        """The next event; TimeoutError when none came in time, EOFError when none can."""
