"""A TCP connection, straight or through a SOCKS5 proxy."""

from __future__ import annotations

import socket
import time
from ipaddress import IPv4Address
from typing import NoReturn

from lab.wire.proxy import SocksProxy

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


def connect(
    address: IPv4Address | str,
    port: int,
    proxy: SocksProxy | None,
    deadline: float,
    source: IPv4Address | None = None,
) -> socket.socket:
    """A TCP connection with TCP_NODELAY; `deadline` by time.monotonic().

    A name in place of an address is the proxy's to find. It comes from `source`, one of the
    node's own addresses, where that is given.
    """
    host = (str(proxy.address), proxy.port) if proxy else (str(address), port)
    try:
        connection = socket.create_connection(
            host, remaining_s(deadline), source_address=(str(source), 0) if source else None
        )
    except OSError as error:
        fail(f"no connection to {host[0]}:{host[1]}", error)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if proxy:
        try:
            _ask_proxy(connection, address, port, proxy, deadline)
        except OSError as error:
            connection.close()
            fail("the SOCKS proxy does not answer", error)
        except ConnectionFailedError:
            connection.close()
            raise
    return connection


def _ask_proxy(
    connection: socket.socket,
    address: IPv4Address | str,
    port: int,
    proxy: SocksProxy,
    deadline: float,
) -> None:
    """RFC 1928 with the user and password of RFC 1929."""
    connection.settimeout(remaining_s(deadline))
    connection.sendall(b"\x05\x01\x02")
    if _exactly(connection, 2) != b"\x05\x02":
        raise ConnectionFailedError("the SOCKS proxy takes no user and password")
    user, password = proxy.user.encode(), proxy.password.encode()
    connection.sendall(bytes([1, len(user)]) + user + bytes([len(password)]) + password)
    if _exactly(connection, 2)[1]:
        raise ConnectionFailedError("the SOCKS proxy refused user and password")
    connection.sendall(b"\x05\x01\x00" + _destination(address) + port.to_bytes(2, "big"))
    _, status, _, kind = _exactly(connection, 4)
    if status:
        reason = _SOCKS_ERRORS.get(status, f"error {status}")
        raise ConnectionFailedError(f"the SOCKS proxy could not reach {address}:{port}: {reason}")
    _exactly(connection, {1: 4, 4: 16}[kind] + 2)


def _destination(address: IPv4Address | str) -> bytes:
    """RFC 1928, section 5: an address, or a name with its length."""
    if isinstance(address, IPv4Address):
        return b"\x01" + address.packed
    name = address.encode()
    return bytes([3, len(name)]) + name


def _exactly(connection: socket.socket, length: int) -> bytes:
    data = b""
    while len(data) < length:
        piece = connection.recv(length - len(data))
        if not piece:
            raise ConnectionFailedError("the SOCKS proxy closed the connection")
        data += piece
    return data


def remaining_s(deadline: float) -> float:
    """How long until `deadline`, by time.monotonic(); ConnectionFailedError once it is over."""
    left_s = deadline - time.monotonic()
    if left_s <= 0:
        raise ConnectionFailedError("the connection was not made in time")
    return left_s


def fail(what: str, error: OSError) -> NoReturn:
    """ConnectionFailedError with the system's words for `error`."""
    reason = "timed out" if isinstance(error, TimeoutError) else error.strerror or str(error)
    raise ConnectionFailedError(f"{what}: {reason}") from error
