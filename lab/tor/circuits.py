"""One pinned circuit per call, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence

from lab.errors import LabError
from lab.tor.channel import Channel
from lab.wire.circuits import (
    CircuitClosed,
    CircuitState,
    CloseCircuit,
    LinkCircuits,
    PathsState,
    PinCircuit,
    PinPaths,
    ReadCircuit,
    ReadPaths,
)

PIN_TIMEOUT_S = 20.0
LINK_TIMEOUT_S = 45.0
PATHS_TIMEOUT_S = 45.0
"""A program beside each Tor on them starts meanwhile."""
ANSWER_TIMEOUT_S = 10.0


class CallCircuit:
    """The one circuit of the client at the other end of `channel`."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def pin(self, path: Sequence[str], targets: Sequence[str] | None = None) -> CircuitState:
        """End all circuits, build one over `path` and let it carry every stream from now on.

        `targets` are the `address:port` that streams may go to; others are refused, and None
        refuses nothing. LabError where the circuit cannot be built, with tor's reason.
        """
        order = PinCircuit(tuple(path), None if targets is None else tuple(targets))
        try:
            return self._channel.ask(order, CircuitState, PIN_TIMEOUT_S)
        except LabError as error:
            raise LabError(f"circuit {'-'.join(path)}: {error.message}", error.hint) from error

    def link(self, relays: Sequence[str], targets: Sequence[str] | None = None) -> CircuitState:
        """End all circuits and have tor build one Conflux set over `relays`, see `path_of_call`.

        LabError where it is not linked, with what tor has in its place.
        """
        guard, other_guard, middle, other_middle, exit_relay = relays
        order = LinkCircuits(
            (guard, other_guard),
            (middle, other_middle),
            exit_relay,
            None if targets is None else tuple(targets),
        )
        return self._channel.ask(order, CircuitState, LINK_TIMEOUT_S)

    def read(self) -> CircuitState:
        """The circuit as it is now; LabError where none was pinned."""
        return self._channel.ask(ReadCircuit(), CircuitState, ANSWER_TIMEOUT_S)

    def close(self) -> None:
        """End the circuit; the client then builds circuits by itself again."""
        self._channel.ask(CloseCircuit(), CircuitClosed, ANSWER_TIMEOUT_S)


class CallPaths:
    """The several circuits of one call, of the client at the other end of `channel`."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def pin(self, paths: Sequence[Sequence[str]], targets: Sequence[str]) -> PathsState:
        """End all circuits, build these; each stream from now on goes over the next of them.

        `targets` as of `CallCircuit.pin`. LabError, with tor's reason, for the first that cannot
        be built.
        """
        order = PinPaths(tuple(map(tuple, paths)), tuple(targets))
        return self._channel.ask(order, PathsState, PATHS_TIMEOUT_S)

    def read(self) -> PathsState:
        """The circuits as they are now; LabError where none were pinned."""
        return self._channel.ask(ReadPaths(), PathsState, ANSWER_TIMEOUT_S)
