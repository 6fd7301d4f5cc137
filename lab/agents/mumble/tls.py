"""TLS to a server that is known by its certificate.

Voice must never wait for a socket: what cannot be sent at once is kept here and follows as soon
as the connection takes it.
"""

from __future__ import annotations

import hashlib
import select
import socket
import ssl
from pathlib import Path

from lab.agents.net.connection import ConnectionFailedError, fail, remaining_s

CHUNK_BYTES = 65536


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
                waiting_s = remaining_s(deadline)
                if not any(select.select([self], writers, [], waiting_s)[:2]):
                    raise ConnectionFailedError("the TLS handshake took too long") from None
                self._fill()
            except ssl.SSLError as error:
                fail("the TLS handshake failed", error)
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
            fail("the connection to the server broke", error)

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
            fail("the connection to the server broke", error)
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
            fail("the connection to the server broke", error)
        if piece:
            self._incoming.write(piece)
        else:
            self._incoming.write_eof()
