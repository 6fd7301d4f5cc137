"""Builds circuits over named relays and learns from tor's events what became of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import stem
from stem import CircStatus
from stem.control import Controller, EventType
from stem.response.events import CircuitEvent

from lab.agents.tor.control import follow

PATH_LENGTH = 3


class CircuitError(Exception):
    """A circuit could not be built, or is no more; the message says why."""


@dataclass(slots=True)
class LaunchedCircuit:
    """What is known of a circuit that was launched here."""

    launched_at: float
    """time.monotonic(), s."""
    built_ms: float | None = None
    ended: str | None = None
    """tor's reason for its end; None while it lives."""


class CircuitBuilder:
    """Launches circuits through one controller and follows each to its end."""

    def __init__(self, controller: Controller, complain: Callable[[str], None]) -> None:
        """`complain` is told what goes wrong while nobody waits."""
        self._controller = controller
        self._launched: dict[str, LaunchedCircuit] = {}
        self._changed = threading.Condition()
        follow(controller, EventType.CIRC, self._note, complain)

    def launch(self, path: Sequence[str]) -> str:
        """Start a circuit over exactly `path`, fingerprints from guard to exit; its id."""
        started = time.monotonic()
        with self._changed:
            try:
                circuit = str(self._controller.extend_circuit("0", list(path)))
            except stem.ControllerError as error:
                raise CircuitError(f"tor refused the path {'-'.join(path)}: {error}") from error
            self._launched[circuit] = LaunchedCircuit(started)
        return circuit

    def wait_built(self, circuit: str, timeout_s: float) -> float:
        """Wait until the circuit is built; how long that took, ms. CircuitError if it is not."""
        known = self._launched[circuit]
        with self._changed:
            self._changed.wait_for(
                lambda: known.built_ms is not None or known.ended is not None, timeout_s
            )
        if known.ended is not None:
            raise CircuitError(f"the circuit was not built: {known.ended}")
        if known.built_ms is None:
            self.close(circuit)
            waited_s = time.monotonic() - known.launched_at
            raise CircuitError(f"the circuit was not built within {waited_s:.1f} s")
        return known.built_ms

    def ended(self, circuit: str) -> str | None:
        """Why the circuit ended; None while it lives."""
        return self._launched[circuit].ended

    def close(self, circuit: str) -> None:
        """End the circuit; nothing happens where it has ended by itself."""
        try:
            self._controller.close_circuit(circuit)
        except stem.InvalidArguments:
            return

    def _note(self, event: CircuitEvent) -> None:
        now = time.monotonic()
        with self._changed:
            known = self._launched.get(event.id)
            if known is None:
                return
            if event.status == CircStatus.BUILT:
                known.built_ms = round((now - known.launched_at) * 1000, 1)
            elif event.status in {CircStatus.FAILED, CircStatus.CLOSED}:
                reasons = [event.reason, event.remote_reason]
                known.ended = ", ".join(str(reason) for reason in reasons if reason) or event.status
            self._changed.notify_all()


def covering_paths(relays: Sequence[str], bridges: Sequence[str] = ()) -> list[tuple[str, ...]]:
    """Paths that together cross every relay, none of them crossing one twice.

    Where there are bridges, each path enters by one, and each of them is entered by.
    """
    if bridges:
        pairs = [(relays[at], relays[(at + 1) % len(relays)]) for at in range(0, len(relays), 2)]
        numbers = range(max(len(pairs), len(bridges)))
        return [(bridges[n % len(bridges)], *pairs[n % len(pairs)]) for n in numbers]
    length = min(PATH_LENGTH, len(relays))
    starts = range(0, len(relays), length or 1)
    return [tuple(relays[(start + hop) % len(relays)] for hop in range(length)) for start in starts]
