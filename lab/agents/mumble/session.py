"""A client's presence on a Mumble server: who is there, in which channel, and the way in."""

from __future__ import annotations

import select
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from lab.agents.mumble.framing import (
    PROTOCOL_VERSION,
    Fields,
    Frames,
    FramingError,
    Kind,
    frame,
    integer,
    message,
    parse,
    text,
)
from lab.agents.mumble.tls import SecureChannel
from lab.agents.net.connection import ConnectionFailedError, connect
from lab.wire.mumble import MumbleServer
from lab.wire.proxy import SocksProxy

ROOT_CHANNEL = 0
PING_INTERVAL_S = 5.0
"""As Mumble's own client does."""
_PARSED = frozenset(Kind) - {Kind.UDP_TUNNEL}


class RefusedError(Exception):
    """The server does not let the client do something; the message is the server's."""


@dataclass(frozen=True, slots=True)
class Account:
    """Where to connect, and as whom."""

    server: MumbleServer
    name: str
    proxy: SocksProxy | None = None
    password: str | None = field(default=None, repr=False)
    certificate: Path | None = None
    """A directory with the client's own certificate and key; who opens a channel needs them."""


class Session:
    """One connection to the server, from `open` to `close`; nothing waits but `wait`."""

    def __init__(self, channel: SecureChannel, on_voice: Callable[[bytes], None]) -> None:
        """`on_voice` gets the content of every UDPTunnel message as soon as it is read."""
        self.secure = channel
        self.on_voice = on_voice
        self.own: int | None = None
        """The session number the server gave, once it has let the client in."""
        self.users: dict[str, int] = {}
        self.channels: dict[str, int] = {}
        self.channel_of: dict[int, int] = {}
        """Session → channel."""
        self.server_version: str | None = None
        self.round_trips_ms: list[float] = []
        self._names: dict[int, str] = {}
        self._frames = Frames()
        self._next_ping = 0.0

    @classmethod
    def open(cls, account: Account, deadline: float, on_voice: Callable[[bytes], None]) -> Session:
        """Connect, check the server's certificate and be let in.

        ConnectionFailedError where that fails, RefusedError where the server does not want us.
        """
        server = account.server
        connection = connect(server.onion or server.address, server.port, account.proxy, deadline)
        session = cls(SecureChannel(connection, account.certificate), on_voice)
        try:
            session.secure.handshake(server.fingerprint, deadline)
            session.send(
                Kind.VERSION,
                message({1: PROTOCOL_VERSION, 2: "voice-tor-lab", 3: "Linux"}),
            )
            fields: dict[int, int | str] = {1: account.name, 5: 1}
            if account.password:
                fields[2] = account.password
            session.send(Kind.AUTHENTICATE, message(fields))
            session.wait(lambda: session.own is not None, "to be let in", deadline)
        except BaseException:
            session.close()
            raise
        return session

    def enter(self, channel: str, peer: str, creates: bool, deadline: float) -> int:
        """Go into `channel` and wait for `peer` there; the peer's session number.

        One of the two `creates` the channel, which ends with the last who leaves it.
        """
        if creates:
            self.send(Kind.CHANNEL_STATE, message({2: ROOT_CHANNEL, 3: channel, 8: 1}))
        self.wait(lambda: channel in self.channels, f"for channel {channel}", deadline)
        number = self.channels[channel]
        if not creates:
            self.send(Kind.USER_STATE, message({1: self.own or 0, 5: number}))

        def together() -> bool:
            there = self.users.get(peer)
            here = self.channel_of.get(self.own or 0)
            return there is not None and here == number == self.channel_of.get(there)

        self.wait(together, f"for {peer} in channel {channel}", deadline)
        return self.users[peer]

    def send(self, kind: Kind, body: bytes) -> None:
        """Send one message."""
        self.secure.send(frame(kind, body))

    def wait(self, condition: Callable[[], bool], what: str, deadline: float) -> None:
        """Handle messages until `condition` holds; ConnectionFailedError after `deadline`."""
        while not condition():
            remaining_s = deadline - time.monotonic()
            if remaining_s <= 0:
                raise ConnectionFailedError(f"waited in vain {what}")
            writers = [self.secure] if self.secure.wants_to_send else []
            readable, writable, _ = select.select(
                [self.secure], writers, [], min(remaining_s, PING_INTERVAL_S)
            )
            if writable:
                self.secure.flush()
            if readable:
                self.read()
            self.keep_alive()

    def read(self) -> None:
        """Handle whatever has come by now."""
        try:
            for kind, body in self._frames.feed(self.secure.receive()):
                if kind == Kind.UDP_TUNNEL:
                    self.on_voice(body)
                elif kind in _PARSED:
                    self._handle(Kind(kind), parse(body))
        except FramingError as error:
            raise ConnectionFailedError(f"the server talks nonsense: {error}") from error

    def keep_alive(self) -> None:
        """Ping the server when it is time to."""
        now = time.monotonic()
        if self.own is not None and now >= self._next_ping:
            self.send(Kind.PING, message({1: time.monotonic_ns()}))
            self._next_ping = now + PING_INTERVAL_S

    def close(self) -> None:
        """End the connection; the server then forgets the client."""
        self.secure.close()

    def _handle(self, kind: Kind, fields: Fields) -> None:
        match kind:
            case Kind.VERSION:
                self.server_version = text(fields, 2)
            case Kind.SERVER_SYNC:
                self.own = integer(fields, 1)
            case Kind.REJECT:
                raise RefusedError(text(fields, 2) or f"reason {integer(fields, 1)}")
            case Kind.PERMISSION_DENIED:
                raise RefusedError(
                    text(fields, 4) or f"permission denied, type {integer(fields, 5)}"
                )
            case Kind.PING:
                sent_ns = integer(fields, 1)
                if sent_ns:
                    self.round_trips_ms.append((time.monotonic_ns() - sent_ns) / 1e6)
            case Kind.CHANNEL_STATE:
                number, name = integer(fields, 1), text(fields, 3)
                if number is not None and name is not None:
                    self.channels[name] = number
            case Kind.USER_STATE:
                self._locate(fields)
            case Kind.USER_REMOVE:
                self._forget(fields)

    def _locate(self, fields: Fields) -> None:
        session, name = integer(fields, 1), text(fields, 3)
        if session is None:
            return
        if name is not None:
            self.users[name], self._names[session] = session, name
            self.channel_of.setdefault(session, ROOT_CHANNEL)
        channel = integer(fields, 5)
        if channel is not None:
            self.channel_of[session] = channel

    def _forget(self, fields: Fields) -> None:
        session = integer(fields, 1)
        if session is None:
            return
        if session == self.own:
            raise RefusedError(text(fields, 3) or "the server removed this client")
        self.channel_of.pop(session, None)
        self.users.pop(self._names.pop(session, ""), None)
