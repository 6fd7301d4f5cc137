"""How the agent in a node is spoken to; `lab.engine` and tests provide it."""

from __future__ import annotations

from typing import Any, Protocol


class Channel(Protocol):
    """A running `lab.agents.tor.circuits`, wherever it runs."""

    def ask(self, order: dict[str, Any], timeout_s: float) -> dict[str, Any]:
        """Send one order and return its answer.

        LabError where the answer is an error, the agent ended, or nothing came in time.
        """
        ...
