"""A SOCKS5 proxy for tests, which asks for a user and a password as tor's own port does."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from ipaddress import IPv4Address

from lab.wire.proxy import SocksProxy


class EchoProxy:
    """Wherever it is asked to connect to says again what it hears."""

    def __init__(self, *, refusing: bool = False) -> None:
        """`refusing`: there, nobody takes connections."""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._refusing = refusing
        self.asked: list[bytes] = []
        """All that each client said before it was connected."""
        port = self._listener.getsockname()[1]
        self.proxy = SocksProxy(IPv4Address("127.0.0.1"), port, "call", "secret")
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            client, _ = self._listener.accept()
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client:
            said = client.recv(3)
            client.sendall(b"\x05\x02")
            said += client.recv(100)
            client.sendall(b"\x01\x00")
            self.asked.append(said + client.recv(100))
            client.sendall(b"\x05" + bytes([5 if self._refusing else 0]) + b"\x00\x01" + bytes(6))
            while not self._refusing and (chunk := client.recv(65536)):
                client.sendall(chunk)


class OnwardProxy:
    """Connects every client to one port of this machine, whatever it asks for, until it is cut."""

    def __init__(self, port: int) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._onward = port
        self._connections: list[tuple[socket.socket, socket.socket]] = []
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self, number: int) -> None:
        """End the connection of the client that came so many others after the first."""
        for each in self._connections[number]:
            with suppress(OSError):  # its other end may have gone with the first of them
                each.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while True:
            client, _ = self._listener.accept()
            client.recv(3)
            client.sendall(b"\x05\x02")
            client.recv(100)
            client.sendall(b"\x01\x00")
            client.recv(100)
            onward = socket.create_connection(("127.0.0.1", self._onward))
            self._connections.append((client, onward))
            client.sendall(b"\x05\x00\x00\x01" + bytes(6))
            for source, sink in ((client, onward), (onward, client)):
                threading.Thread(target=_pour, args=(source, sink), daemon=True).start()


def _pour(source: socket.socket, sink: socket.socket) -> None:
    try:
        while chunk := source.recv(65536):
            sink.sendall(chunk)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        return
