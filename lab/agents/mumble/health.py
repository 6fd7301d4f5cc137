"""Tells whether this node's Murmur accepts a TLS handshake with the certificate it was given."""

from __future__ import annotations

import time
from pathlib import Path

from lab.agents.mumble.server import own_server
from lab.agents.mumble.tls import SecureChannel
from lab.agents.net.connection import ConnectionFailedError, connect
from lab.wire import places
from lab.wire.line import Line
from lab.wire.listening import HANDSHAKE, AwaitHandshake, Listening
from lab.wire.messages import Failed
from lab.wire.mumble import MumbleServer

ATTEMPT_S = 2.0
"""A Murmur that hangs takes connections, but no handshake ever ends."""
POLL_S = 0.05


def shake_hands(server: MumbleServer, deadline: float) -> str:
    """Version and cipher suite that the server agrees to; `deadline` by time.monotonic().

    ConnectionFailedError where it does not, or shows another certificate.
    """
    connection = connect(server.address, server.port, None, deadline)
    channel = SecureChannel(connection, None)
    try:
        channel.handshake(server.fingerprint, deadline)
        return channel.cipher
    finally:
        channel.close()


def main() -> None:
    """Answer one order."""
    line = Line(HANDSHAKE)
    order = line.hear_first(AwaitHandshake)
    if order is None:
        return
    end = time.monotonic() + order.deadline_s
    while not line.ended:
        try:
            server = own_server(Path(places.MUMBLE))
            tls = shake_hands(server, min(end, time.monotonic() + ATTEMPT_S))
        except ConnectionFailedError as error:
            if time.monotonic() + POLL_S >= end:
                line.say(Failed(str(error)))
                return
        else:
            line.say(Listening(order.server, time.time(), tls))
            return
        line.hear(POLL_S)


if __name__ == "__main__":
    main()
