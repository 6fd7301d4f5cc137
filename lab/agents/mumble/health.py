"""Tells whether this node's Murmur accepts a TLS handshake with the certificate it was given."""

from __future__ import annotations

import hashlib
import re
import ssl
import time
from pathlib import Path

from lab.agents.mumble.socket import ConnectionFailedError, SecureChannel, connect
from lab.wire import places
from lab.wire.line import Line
from lab.wire.listening import HANDSHAKE, AwaitHandshake, Listening
from lab.wire.messages import Failed

ATTEMPT_S = 2.0
"""A Murmur that hangs takes connections, but no handshake ever ends."""
POLL_S = 0.05


def shake_hands(address: str, port: int, fingerprint: str, deadline: float) -> str:
    """Version and cipher suite that the server agrees to; `deadline` by time.monotonic().

    ConnectionFailedError where it does not, or shows another certificate.
    """
    connection = connect(address, port, None, deadline)
    channel = SecureChannel(connection, None)
    try:
        channel.handshake(fingerprint, deadline)
        return channel.cipher
    finally:
        channel.close()


def own_server(files: Path) -> tuple[str, int, str]:
    """Address, port and the certificate's SHA-256, as Murmur's own files have them."""
    configuration = (files / places.MURMUR.name).read_text()
    settings = dict(re.findall(r"^(host|port)=(.+)$", configuration, re.M))
    certificate = ssl.PEM_cert_to_DER_cert((files / places.MUMBLE_CERTIFICATE.name).read_text())
    return settings["host"], int(settings["port"]), hashlib.sha256(certificate).hexdigest()


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
            tls = shake_hands(*server, min(end, time.monotonic() + ATTEMPT_S))
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
