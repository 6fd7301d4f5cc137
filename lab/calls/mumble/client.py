"""The host's side of `lab.agents.mumble.client`: orders out, events in, over any channel."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field
from ipaddress import IPv4Address
from pathlib import PurePosixPath
from typing import Any

from lab.calls.channel import Channel
from lab.calls.mumble.encoder import OpusSettings
from lab.errors import LabError
from lab.wire.playout import Playout

TURN_S = 0.1
"""How long one client is listened to before it is the other's turn."""


@dataclass(frozen=True, slots=True)
class SocksProxy:
    """A SOCKS5 proxy on the client's node, with credentials of the call's own."""

    address: str
    port: int
    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Joining:
    """How a client gets into the call's channel."""

    address: IPv4Address
    port: int
    fingerprint: str
    """SHA-256 of the server's certificate, hexadecimal."""
    name: str
    peer: str
    """The name of the client it talks to."""
    channel: str
    creates: bool
    """Whether it opens the channel, or waits for the other to do so."""
    proxy: SocksProxy | None
    deadline_s: float = 30.0


@dataclass(frozen=True, slots=True)
class TalkOrder:
    """What a client plays and where it leaves what it hears; paths are those of its node."""

    clip: PurePosixPath
    duration_s: float
    """How long to play: the clip is repeated, or cut."""
    directory: PurePosixPath
    end: str
    """`caller` or `callee`: what its files are called after."""
    rate_hz: int
    """Sampling rate of clip and recordings."""
    opus: OpusSettings
    buffers: dict[str, Playout]
    """Ending of a recording's name → the buffer it is played out with."""
    quiet_s: float = 3.0
    """After so long without a packet the other end is taken to have finished."""


class MumbleError(LabError):
    """A Mumble client could not do what it was asked; the message names it and the reason."""


@dataclass(frozen=True, slots=True)
class Deadlines:
    """How long each step of a call may take, seconds."""

    start_s: float = 10.0
    late_s: float = 20.0
    """Beyond the length of the call: for a client that stalls, or voice that comes late."""
    finish_s: float = 20.0
    finish_share: float = 0.2
    """Beyond `finish_s`, per second of the call: what was heard is decoded at its end."""


class MumbleClient:
    """One client, from its connection to the end of its channel."""

    def __init__(self, name: str, channel: Channel) -> None:
        self.name = name
        self.events: dict[str, dict[str, Any]] = {}
        """What has come so far, by its name."""
        self._channel = channel

    def join(self, joining: Joining) -> None:
        """Begin to connect; `joined` follows once the peer is in the channel as well."""
        order = asdict(joining) | {"address": str(joining.address)}
        self._send({"op": "join", **order})

    def talk(self, order: TalkOrder) -> None:
        """Begin to play: `playing`, then `played` follow."""
        base = str(order.directory / order.end)
        self._send(
            {
                "op": "talk",
                "clip": str(order.clip),
                "duration_s": order.duration_s,
                "sent_log": f"{base}-sent.csv",
                "received_log": f"{base}-received.csv",
                "opus": asdict(order.opus),
                "quiet_s": order.quiet_s,
                "recordings": [
                    {"file": f"{base}{ending}.wav", "rate_hz": order.rate_hz, "buffer": asdict(b)}
                    for ending, b in order.buffers.items()
                ],
            }
        )

    def expect(self, packets: int) -> None:
        """Report `received` once so many packets of the peer have come."""
        self._send({"op": "expect", "packets": packets})

    def leave(self) -> None:
        """Write recordings and logs; `done` follows."""
        self._send({"op": "leave"})

    def wait(self, event: str, timeout_s: float) -> dict[str, Any]:
        """The fields of `event`, now or as soon as it comes.

        MumbleError when the client reports a failure, ends, or the time runs out.
        """
        deadline = time.monotonic() + timeout_s
        while not self.has(event, max(0.0, deadline - time.monotonic())):
            if time.monotonic() >= deadline:
                raise self.silence(event, timeout_s)
        return self.events[event]

    def has(self, event: str, timeout_s: float) -> bool:
        """Whether `event` has come, after at most one more message.

        MumbleError when the client reports a failure or ends.
        """
        if event in self.events:
            return True
        try:
            message = self._channel.receive(timeout_s)
        except TimeoutError:
            return False
        except EOFError as error:
            raise MumbleError(f"{self.name}: the client ended: {error}") from None
        if message["event"] == "failed":
            raise MumbleError(f"{self.name}: {message['stage']} failed: {message['reason']}")
        self.events[message["event"]] = message
        return event in self.events

    def silence(self, event: str, timeout_s: float) -> MumbleError:
        """What to say of a client from which `event` did not come."""
        last = next(reversed(self.events), "nothing")
        return MumbleError(f"{self.name}: no {event!r} within {timeout_s:g} s (last came {last!r})")

    def _send(self, order: dict[str, Any]) -> None:
        try:
            self._channel.send(order)
        except EOFError:
            # Its last event says why; `wait` finds it.
            return


def converse(
    caller: MumbleClient,
    callee: MumbleClient,
    joinings: tuple[Joining, Joining],
    orders: tuple[TalkOrder, TalkOrder],
    duration_s: float,
    deadlines: Deadlines = Deadlines(),
) -> str | None:
    """One call between two clients; why it failed, in one sentence, or None.

    `joinings` and `orders` are the caller's and the callee's; both play for `duration_s`.
    """
    clients = (caller, callee)
    try:
        for client, joining in zip(clients, joinings, strict=True):
            client.join(joining)
        _wait_all(clients, "joined", joinings[0].deadline_s + deadlines.start_s)
        for client, order in zip(clients, orders, strict=True):
            client.talk(order)
        _wait_all(clients, "playing", deadlines.start_s)
        _wait_all(clients, "played", duration_s + deadlines.late_s)
        caller.expect(callee.events["played"]["packets"])
        callee.expect(caller.events["played"]["packets"])
        _wait_all(clients, "received", deadlines.late_s)
        for client in clients:
            client.leave()
        _wait_all(clients, "done", deadlines.finish_s + duration_s * deadlines.finish_share)
    except MumbleError as error:
        return error.message
    return None


def _wait_all(clients: tuple[MumbleClient, ...], event: str, timeout_s: float) -> None:
    """Wait until `event` has come from all; whichever fails first is the reason."""
    deadline = time.monotonic() + timeout_s
    pending = list(clients)
    while pending:
        pending = [client for client in pending if not client.has(event, TURN_S)]
        if pending and time.monotonic() >= deadline:
            raise pending[0].silence(event, timeout_s)
