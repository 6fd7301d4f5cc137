"""A port of this machine whose connections go on to one place through a SOCKS proxy.

For programs that speak no SOCKS themselves.
"""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from ipaddress import IPv4Address
from typing import Self

from lab.agents.net.connection import ConnectionFailedError, connect
from lab.wire.proxy import SocksProxy

CONNECT_TIMEOUT_S = 10.0
_CHUNK_BYTES = 65536


class ThroughSocks:
    """Listens on loopback as long as a `with` block lasts."""

    def __init__(self, address: IPv4Address, port: int, proxy: SocksProxy) -> None:
        """Where its connections go on to, and by which proxy."""
        self._target = address, port
        self._proxy = proxy
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._closed = False
        self.port: int = self._listener.getsockname()[1]
        self.failure: str | None = None
        """Why the proxy could not make a connection: of the first such."""

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._closed = True
            ending = [self._listener, *self._open]
        for each in ending:
            _end(each)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._carry, args=(near,), daemon=True).start()

    def _carry(self, near: socket.socket) -> None:
        """Both ways, until both have ended."""
        with near:
            try:
                far = connect(*self._target, self._proxy, time.monotonic() + CONNECT_TIMEOUT_S)
            except ConnectionFailedError as error:
                self.failure = self.failure or str(error)
                return
            with far:
                near.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                far.settimeout(None)
                if not self._keep(near, far):
                    return
                back = threading.Thread(target=_pour, args=(far, near), daemon=True)
                back.start()
                _pour(near, far)
                back.join()
                with self._lock:
                    self._open -= {near, far}

    def _keep(self, *both: socket.socket) -> bool:
        """Have them ended with the rest; False where that has ended already."""
        with self._lock:
            self._open |= set(both)
            return not self._closed


def _pour(source: socket.socket, sink: socket.socket) -> None:
    """All that comes, and then its end; where either breaks, both end."""
    try:
        while chunk := source.recv(_CHUNK_BYTES):
            sink.sendall(chunk)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        _end(source)
        _end(sink)


def _end(connection: socket.socket) -> None:
    """Wake whoever waits for it."""
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
