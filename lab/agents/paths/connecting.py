"""How the connections of a call's paths are made, and told apart."""

from __future__ import annotations

import select
import socket
import time
from dataclasses import replace
from ipaddress import IPv4Address

from lab.agents.net.connection import ConnectionFailedError, connect
from lab.agents.paths.path import Path
from lab.agents.paths.policies import layout_of
from lab.wire.line import Line
from lab.wire.paths import Carriage, EnterPaths, LeavePaths
from lab.wire.proxy import SocksProxy

OPEN_DEADLINE_S = 60.0
GREETING_S = 10.0
"""What comes in has so long to say whose it is."""
_LOOPBACK = IPv4Address("127.0.0.1")


def open_paths(order: EnterPaths) -> list[Path]:
    """One path after the other, as the circuits are that Tor attaches them to.

    ConnectionFailedError for the first that cannot be opened, with its number from 1.
    """
    deadline = time.monotonic() + OPEN_DEADLINE_S
    carriage, paths = order.carriage, list[Path]()
    proxy = SocksProxy(_LOOPBACK, order.socks_port, order.user, order.user)
    for number in range(carriage.paths):
        own = replace(proxy, user=f"{order.user}-{number}")
        try:
            connection = connect(order.server, order.port, own, deadline)
            connection.sendall(greeting(carriage, number))
        except (ConnectionFailedError, OSError) as error:
            raise ConnectionFailedError(f"path {number + 1} cannot be opened: {error}") from error
        paths.append(_path(carriage, connection))
    return paths


def await_paths(order: LeavePaths, listener: socket.socket, line: Line) -> list[Path]:
    """Every path, as they come in; who does not know the call's key is hung up on.

    ConnectionFailedError where they are not all there in time, or the input of `line` ends before.
    """
    carriage, found = order.carriage, dict[int, socket.socket]()
    deadline = time.monotonic() + OPEN_DEADLINE_S
    while len(found) < carriage.paths:
        left_s = max(0.0, deadline - time.monotonic())
        ready, _, _ = select.select([listener.fileno(), line.fileno()], [], [], left_s)
        if line.fileno() in ready and line.hear(0.0) is None and line.ended:
            raise ConnectionFailedError("nobody awaits the paths any more")
        if listener.fileno() not in ready and left_s:
            continue
        if listener.fileno() not in ready:
            lacking = carriage.paths - len(found)
            raise ConnectionFailedError(
                f"{lacking} of {carriage.paths} paths did not come in within "
                f"{OPEN_DEADLINE_S:.0f} s"
            )
        connection, _ = listener.accept()
        number = greeted(carriage, connection)
        if number is None or number in found:
            connection.close()
        else:
            found[number] = connection
    return [_path(carriage, found[number]) for number in range(carriage.paths)]


def listen(order: LeavePaths) -> socket.socket:
    """Where paths come in; OSError where the port is taken."""
    return socket.create_server((str(order.address), order.port))


def _path(carriage: Carriage, connection: socket.socket) -> Path:
    layout = layout_of(carriage.policy, carriage.paths)
    return Path(connection, layout, nodelay=carriage.nodelay)


def greeting(carriage: Carriage, number: int) -> bytes:
    """What the caller says first on the connection of that path, counted from 0."""
    return bytes.fromhex(carriage.key) + bytes([number])


def greeted(carriage: Carriage, connection: socket.socket) -> int | None:
    """Which path it is; None of what is none of the call's."""
    key = bytes.fromhex(carriage.key)
    connection.settimeout(GREETING_S)
    said = b""
    try:
        while len(said) <= len(key):
            piece = connection.recv(len(key) + 1 - len(said))
            if not piece:
                return None
            said += piece
    except OSError:
        return None
    number = said[-1]
    return number if said[:-1] == key and number < carriage.paths else None
