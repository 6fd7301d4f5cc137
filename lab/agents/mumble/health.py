"""Tells whether this node's Murmur accepts a TLS handshake with the certificate it was given.

First order: {"name", "deadline_s"}. It tries until it succeeds: {"event": "listening", "name",
"at", "tls"}, `at` in Unix seconds and `tls` version and cipher suite; or, after `deadline_s`,
{"error"} with why the last attempt failed. Ends after the answer, or at the end of the input.
"""

from __future__ import annotations

import hashlib
import re
import select
import ssl
import sys
import time
from pathlib import Path

from lab.agents.mumble.socket import ConnectionFailedError, SecureChannel, connect
from lab.wire.lines import hear, say

FILES = Path("/run/lab/mumble")
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
    settings = dict(re.findall(r"^(host|port)=(.+)$", (files / "murmur.ini").read_text(), re.M))
    certificate = ssl.PEM_cert_to_DER_cert((files / "certificate.pem").read_text())
    return settings["host"], int(settings["port"]), hashlib.sha256(certificate).hexdigest()


def main() -> None:
    """Answer one order."""
    order = hear()
    if order is None:
        return
    end = time.monotonic() + order["deadline_s"]
    while True:
        try:
            tls = shake_hands(*own_server(FILES), min(end, time.monotonic() + ATTEMPT_S))
        except ConnectionFailedError as error:
            if time.monotonic() + POLL_S >= end:
                say({"error": str(error)})
                return
        else:
            say({"event": "listening", "name": order["name"], "at": time.time(), "tls": tls})
            return
        if select.select([sys.stdin], [], [], POLL_S)[0]:
            return


if __name__ == "__main__":
    main()
