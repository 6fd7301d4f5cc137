"""TLS to a server that is known by its certificate, straight or through a SOCKS5 proxy.

Voice must never wait for a socket: what cannot be sent at once is kept here and follows as soon
as the connection takes it.
"""

from __future__ import annotations

import hashlib
import select
import socket
import ssl
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

CHUNK_BYTES = 65536
_SOCKS_ERRORS = {
    1: "general failure",
    2: "not allowed",
    3: "network unreachable",
    4: "host unreachable",
    5: "connection refused",
    6: "time to live exceeded",
    7: "command not supported",
    8: "address type not supported",
}
"""RFC 1928, section 6."""


class ConnectionFailedError(Exception):
    """The connection could not be made, or broke; the message says why."""


@dataclass(frozen=True, slots=True)
class Proxy:
    """A SOCKS5 proxy; Tor gives streams with other credentials a circuit of their own."""

    address: str
    port: int
    user: str
    password: str = field(repr=False)


def connect(address: str, port: int, proxy: Proxy | None, deadline: float) -> socket.socket:
    """A TCP connection with TCP_NODELAY; `deadline` by time.monotonic()."""
    host = (proxy.address, proxy.port) if proxy else (address, port)
    try:
        connection = socket.create_connection(host, timeout=_remaining_s(deadline))
    except OSError as error:
        _fail(f"no connection to {host[0]}:{host[1]}", error)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if proxy:
        try:
            _ask_proxy(connection, address, port, proxy, deadline)
        except OSError as error:
            connection.close()
            _fail("the SOCKS proxy does not answer", error)
        except ConnectionFailedError:
            connection.close()
            raise
    return connection


def _ask_proxy(
    connection: socket.socket, address: str, port: int, proxy: Proxy, deadline: float
) -> None:
    """RFC 1928 with the user and password of RFC 1929."""
    connection.settimeout(_remaining_s(deadline))
    connection.sendall(b"\x05\x01\x02")
    if _exactly(connection, 2) != b"\x05\x02":
        raise ConnectionFailedError("the SOCKS proxy takes no user and password")
    user, password = proxy.user.encode(), proxy.password.encode()
    connection.sendall(bytes([1, len(user)]) + user + bytes([len(password)]) + password)
    if _exactly(connection, 2)[1]:
        raise ConnectionFailedError("the SOCKS proxy refused user and password")
    connection.sendall(b"\x05\x01\x00\x01" + socket.inet_aton(address) + port.to_bytes(2, "big"))
    _, status, _, kind = _exactly(connection, 4)
    if status:
        reason = _SOCKS_ERRORS.get(status, f"error {status}")
        raise ConnectionFailedError(f"the SOCKS proxy could not reach {address}:{port}: {reason}")
    _exactly(connection, {1: 4, 4: 16}[kind] + 2)


def _exactly(connection: socket.socket, length: int) -> bytes:
    data = b""
    while len(data) < length:
        piece = connection.recv(length - len(data))
        if not piece:
            raise ConnectionFailedError("the SOCKS proxy closed the connection")
        data += piece
    return data


class SecureChannel:
    """TLS over a connected socket; nothing here waits but `handshake`."""

    def __init__(self, connection: socket.socket, own: Path | None) -> None:
        """`own` is a directory with this client's `certificate.pem` and `key.pem`."""
        self._connection = connection
        connection.setblocking(False)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        # The certificate is known by its fingerprint, which `handshake` checks.
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        if own:
            context.load_cert_chain(own / "certificate.pem", own / "key.pem")
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing)
        self._unsent = bytearray()

    def fileno(self) -> int:
        """The socket's, for select."""
        return self._connection.fileno()

    @property
    def wants_to_send(self) -> bool:
        """Whether `flush` is to be called once the socket is writable."""
        return bool(self._unsent)

    @property
    def cipher(self) -> str:
        """Version and cipher suite in use."""
        name = self._tls.cipher()
        return f"{self._tls.version()} {name[0] if name else ''}".strip()

    def handshake(self, fingerprint: str, deadline: float) -> None:
        """Agree on keys with the server whose certificate has that SHA-256, in hexadecimal.

        ConnectionFailedError where it is another, or nothing came by `deadline`.
        """
        while True:
            try:
                self._tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self.flush()
                writers = [self] if self._unsent else []
                remaining_s = _remaining_s(deadline)
                if not any(select.select([self], writers, [], remaining_s)[:2]):
                    raise ConnectionFailedError("the TLS handshake took too long") from None
                self._fill()
            except ssl.SSLError as error:
                _fail("the TLS handshake failed", error)
        self.flush()
        found = hashlib.sha256(self._tls.getpeercert(binary_form=True) or b"").hexdigest()
        if found != fingerprint.replace(":", "").lower():
            raise ConnectionFailedError(
                f"the server's certificate is another: its SHA-256 is {found}"
            )

    def send(self, data: bytes) -> None:
        """Encrypt `data` and send of it what the socket takes at once."""
        self._tls.write(data)
        self.flush()

    def flush(self) -> None:
        """Send what was left over, as far as the socket takes it."""
        self._unsent += self._outgoing.read()
        try:
            while self._unsent:
                del self._unsent[: self._connection.send(self._unsent)]
        except BlockingIOError:
            return
        except OSError as error:
            _fail("the connection to the server broke", error)

    def receive(self) -> bytes:
        """What has come by now, perhaps nothing; ConnectionFailedError once it has ended."""
        self._fill()
        data, ended = bytearray(), False
        try:
            # TLS is not asked in vain: its exception costs as much as a packet.
            while not ended and (self._incoming.pending or self._tls.pending()):
                piece = self._tls.read(CHUNK_BYTES)
                data += piece
                ended = not piece
        except ssl.SSLWantReadError:
            pass  # the rest of a record is still on its way
        except ssl.SSLError as error:
            _fail("the connection to the server broke", error)
        if not data and (ended or self._incoming.eof):
            raise ConnectionFailedError("the server ended the connection")
        return bytes(data)

    def close(self) -> None:
        """End the connection without ceremony."""
        self._connection.close()

    def _fill(self) -> None:
        try:
            piece = self._connection.recv(CHUNK_BYTES)
        except BlockingIOError:
            return
        except OSError as error:
            _fail("the connection to the server broke", error)
        if piece:
            self._incoming.write(piece)
        else:
            self._incoming.write_eof()


def _remaining_s(deadline: float) -> float:
    remaining_s = deadline - time.monotonic()
    if remaining_s <= 0:
        raise ConnectionFailedError("the connection was not made in time")
    return remaining_s


def _fail(what: str, error: OSError) -> NoReturn:
    reason = "timed out" if isinstance(error, TimeoutError) else error.strerror or str(error)
    raise ConnectionFailedError(f"{what}: {reason}") from error
