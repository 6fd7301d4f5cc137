"""A Mumble client as the host sees it, and a call between two of them."""

from __future__ import annotations

import time
from dataclasses import dataclass

from lab.calls.end import End, EndError, Outcome
from lab.wire.messages import Event
from lab.wire.mumble import ClientReport, Join, Joined, Leave, Left, Talk
from lab.wire.voice import Expect, Played, Playing, Received

TURN_S = 0.1
"""How long one client is listened to before it is the other's turn."""


class MumbleClient(End):
    """One client, from its connection to the end of its channel."""

    def join(self, order: Join) -> None:
        """Begin to connect; `Joined` follows once the peer is in the channel as well."""
        self._send(order)

    def talk(self, order: Talk) -> None:
        """Begin to play: `Playing`, then `Played` follow."""
        self._send(order)

    def expect(self, packets: int) -> None:
        """Tell `Received` once so many packets of the peer have come."""
        self._send(Expect(packets))

    def leave(self) -> None:
        """Write recordings and logs; `Left` follows."""
        self._send(Leave())

    def report(self) -> ClientReport:
        """What it has told so far."""
        return ClientReport(
            joined=self.told(Joined),
            playing=self.told(Playing),
            played=self.told(Played),
            received=self.told(Received),
            left=self.told(Left),
        )


@dataclass(frozen=True, slots=True)
class Deadlines:
    """How long each step of a call may take, seconds."""

    start_s: float = 10.0
    late_s: float = 20.0
    """Beyond the length of the call: for a client that stalls, or voice that comes late."""
    finish_s: float = 20.0
    finish_share: float = 0.2
    """Beyond `finish_s`, per second of the call: what was heard is decoded at its end."""


def talk(
    caller: MumbleClient,
    callee: MumbleClient,
    joins: tuple[Join, Join],
    talks: tuple[Talk, Talk],
    deadlines: Deadlines = Deadlines(),
) -> Outcome[ClientReport]:
    """One call between two clients; `joins` and `talks` are the caller's and the callee's.

    Never raises for a call that fails: the reason is in the outcome.
    """
    reason = None
    try:
        _talk((caller, callee), joins, talks, deadlines)
    except EndError as error:
        reason = error.message
    return Outcome(reason, caller.report(), callee.report())


def _talk(
    clients: tuple[MumbleClient, MumbleClient],
    joins: tuple[Join, Join],
    talks: tuple[Talk, Talk],
    deadlines: Deadlines,
) -> None:
    caller, callee = clients
    duration_s = talks[0].duration_s
    for client, join in zip(clients, joins, strict=True):
        client.join(join)
    _wait_all(clients, Joined, joins[0].deadline_s + deadlines.start_s)
    for client, order in zip(clients, talks, strict=True):
        client.talk(order)
    _wait_all(clients, Playing, deadlines.start_s)
    _wait_all(clients, Played, duration_s + deadlines.late_s)
    caller.expect(callee.wait(Played, 0).packets)
    callee.expect(caller.wait(Played, 0).packets)
    _wait_all(clients, Received, deadlines.late_s)
    for client in clients:
        client.leave()
    _wait_all(clients, Left, deadlines.finish_s + duration_s * deadlines.finish_share)


def _wait_all(clients: tuple[MumbleClient, ...], kind: type[Event], timeout_s: float) -> None:
    """Wait until such an event has come from all; whichever fails first is the reason."""
    deadline = time.monotonic() + timeout_s
    pending = list(clients)
    while pending:
        pending = [client for client in pending if not client.has(kind, TURN_S)]
        if pending and time.monotonic() >= deadline:
            raise pending[0].silence(kind, timeout_s)
