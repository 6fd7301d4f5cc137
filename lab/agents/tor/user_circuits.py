"""Sends the streams of several users of this node's tor client over circuits of each user's own.

Users are told apart by the address from which they connect to tor (SOURCE_ADDR, which every
version tells of a new stream; the SOCKS user's name only newer ones do). A circuit is built when
its user's first stream comes and carries the streams that follow, until the next one is due.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import stem
from stem import CircStatus, StreamStatus
from stem.control import Controller
from stem.response.events import CircuitEvent, StreamEvent

from lab.agents.tor.streams import DIRECTORY_PURPOSES
from lab.agents.tor.taking import StreamTaker, take_streams
from lab.wire.tor_network import TorNetwork
from lab.wire.user_circuits import USER_CIRCUITS, RouteUsers


@dataclass(slots=True)
class _User:
    paths: Sequence[Sequence[str]]
    """Fingerprints from guard to exit."""
    turns: int = 0
    """Circuits so far."""
    circuit: str | None = None
    """The one of now; None where the next stream needs another."""
    built: bool = False
    streams: int = 0
    """That came for the circuit of now."""
    waiting: list[str] = field(default_factory=list)
    """Of them, until it is built."""

    @property
    def path(self) -> list[str]:
        """Of the circuit of now."""
        return list(self.paths[(self.turns - 1) % len(self.paths)])


class UserCircuits(StreamTaker):
    """All users, each with the circuit of now."""

    def __init__(
        self,
        controller: Controller,
        users: Mapping[str, Sequence[Sequence[str]]],
        streams_per_circuit: int,
        complain: Callable[[str], None],
    ) -> None:
        """`users`: address → paths, see `RouteUsers`, by fingerprints."""
        super().__init__(controller, complain)
        self._users = {address: _User(paths) for address, paths in users.items()}
        self._streams_per_circuit = streams_per_circuit
        self._streams: dict[str, _User] = {}
        """Those that have not ended."""

    def circuits(self) -> Iterable[str]:
        """See `StreamTaker`."""
        return [user.circuit for user in self._users.values() if user.circuit is not None]

    def on_stream(self, event: StreamEvent) -> None:
        """See `StreamTaker`."""
        if event.status == StreamStatus.NEW:
            if event.purpose not in DIRECTORY_PURPOSES:
                self._route(event)
        elif event.status in {StreamStatus.CLOSED, StreamStatus.FAILED}:
            user = self._streams.pop(event.id, None)
            if user is not None and event.id in user.waiting:
                user.waiting.remove(event.id)
        elif event.status == StreamStatus.DETACHED and event.id in self._streams:
            # The exit did not answer in time: as with tor itself, another circuit is tried.
            self._leave_circuit(self._streams[event.id])
            self.close_stream(event.id)

    def on_circuit(self, event: CircuitEvent) -> None:
        """See `StreamTaker`."""
        user = next((each for each in self._users.values() if each.circuit == event.id), None)
        if user is None:
            return
        if event.status == CircStatus.BUILT:
            crossed = [fingerprint for fingerprint, _ in event.path]
            if crossed != user.path:
                self.complain(f"a circuit crosses {' '.join(crossed)}, not {' '.join(user.path)}")
                self._leave_circuit(user)
                return
            user.built = True
            for stream in user.waiting:
                self.attach(stream, event.id)
            user.waiting.clear()
        elif event.status in {CircStatus.FAILED, CircStatus.CLOSED}:
            self._leave_circuit(user)

    def _route(self, event: StreamEvent) -> None:
        user = self._users.get(event.source_address)
        if user is None:
            self.complain(f"a stream to {event.target} comes from nobody known: {event}")
            self.close_stream(event.id)
            return
        if user.streams >= self._streams_per_circuit:
            self._leave_circuit(user)
        if user.circuit is None:
            user.turns += 1
            try:
                user.circuit = str(self.controller.extend_circuit("0", user.path))
            except stem.ControllerError as error:
                self.complain(f"no circuit for the stream to {event.target}: {error}")
                self.close_stream(event.id)
                return
        self._streams[event.id] = user
        user.streams += 1
        if user.built:
            self.attach(event.id, user.circuit)
        else:
            user.waiting.append(event.id)

    def _leave_circuit(self, user: _User) -> None:
        """End the user's circuit, and the streams that waited for it; the next has another."""
        circuit, waiting = user.circuit, user.waiting
        user.circuit, user.built, user.streams, user.waiting = None, False, 0, []
        for stream in waiting:
            self.close_stream(stream)
        if circuit is not None:
            self.close_circuit(circuit)


def _made(
    order: RouteUsers,
    network: TorNetwork,
    controller: Controller,
    complain: Callable[[str], None],
) -> UserCircuits:
    users = {
        address: [network.fingerprints_of(path) for path in paths]
        for address, paths in order.users.items()
    }
    return UserCircuits(controller, users, order.streams_per_circuit, complain)


def main() -> None:
    """Serve one load."""
    take_streams(USER_CIRCUITS, RouteUsers, _made)


if __name__ == "__main__":
    main()
