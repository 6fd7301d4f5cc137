"""Stands beside the OpenVPN of one end of a call over several circuits, and carries its datagrams.

At the caller it listens where that OpenVPN takes its server to be; at the server it speaks to the
other OpenVPN as its client would.
"""

from __future__ import annotations

import resource
import selectors
import socket
import time
from dataclasses import replace

from lab.agents.net.connection import ConnectionFailedError
from lab.agents.paths.carrier import Carrier
from lab.agents.paths.connecting import await_paths, listen, open_paths
from lab.wire.line import Line
from lab.wire.messages import Failed
from lab.wire.paths import (
    FORWARDER,
    EnterPaths,
    LeavePaths,
    PathsAwaited,
    PathsOpen,
    PathsTold,
    TellPaths,
)

LOOPBACK = "127.0.0.1"
_DATAGRAM_BYTES = 65536
_BATCH = 64
"""Datagrams taken before the paths are looked at again."""


class OpenVpnSide:
    """Datagrams to and from the OpenVPN at the forwarder's own machine."""

    def __init__(self, sock: socket.socket, peer: tuple[str, int] | None) -> None:
        """`peer` is where it is; None: where its first datagram comes from."""
        sock.setblocking(False)
        self.socket = sock
        self._peer = peer
        self._fixed = peer is not None

    def take(self) -> list[bytes]:
        """What has come, some at a time."""
        taken = list[bytes]()
        while len(taken) < _BATCH:
            try:
                data, sender = self.socket.recvfrom(_DATAGRAM_BYTES)
            except BlockingIOError:
                break
            except ConnectionRefusedError:
                # What was given before found nobody there.
                continue
            if not self._fixed:
                # Its OpenVPN may start again, from another port.
                self._peer = sender
            taken.append(data)
        return taken

    def give(self, data: bytes) -> None:
        """Hand one over; it is dropped, as the network would, where nobody takes it."""
        if self._peer is None:
            return
        try:
            self.socket.sendto(data, self._peer)
        except (BlockingIOError, ConnectionRefusedError):
            return


def carry(line: Line, side: OpenVpnSide, carrier: Carrier) -> None:
    """Both ways, until the input ends."""
    with selectors.DefaultSelector() as selector:
        selector.register(line, selectors.EVENT_READ, line)
        selector.register(side.socket, selectors.EVENT_READ, side)
        watched = dict[int, socket.socket]()
        for number, path in enumerate(carrier.paths):
            selector.register(path.connection, selectors.EVENT_READ, number)
            watched[number] = path.connection
        while not line.ended:
            for key, events in selector.select():
                if key.data is line:
                    if isinstance(line.hear(0.0), TellPaths):
                        line.say(told(carrier))
                elif key.data is side:
                    for data in side.take():
                        carrier.carry(data)
                elif key.data in watched:
                    if events & selectors.EVENT_WRITE:
                        carrier.paths[key.data].flush()
                    if events & selectors.EVENT_READ:
                        for data in carrier.came(key.data):
                            side.give(data)
            _watch(selector, carrier, watched)


def _watch(
    selector: selectors.BaseSelector, carrier: Carrier, watched: dict[int, socket.socket]
) -> None:
    """Wait for the kernel to take more where something waits, and for no path that has ended."""
    for number, connection in list(watched.items()):
        path = carrier.paths[number]
        if path.ended is not None:
            selector.unregister(connection)
            del watched[number]
        else:
            wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if path.waits else 0)
            if selector.get_key(connection).events != wanted:
                selector.modify(connection, wanted, number)


def told(carrier: Carrier) -> PathsTold:
    """What was carried, and what that took."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    usage = {"cpu_s": used.ru_utime + used.ru_stime, "memory_mb": used.ru_maxrss / 1024}
    return replace(carrier.told(), usage=usage)


def main() -> None:
    """Obey one order that opens paths, then carry."""
    line = Line(FORWARDER)
    order = line.hear()
    began = time.monotonic()
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            if isinstance(order, EnterPaths):
                sock.bind((LOOPBACK, order.port))
                carrier = Carrier(order.carriage, open_paths(order))
                side = OpenVpnSide(sock, None)
                line.say(PathsOpen((time.monotonic() - began) * 1000))
            elif isinstance(order, LeavePaths):
                with listen(order) as listener:
                    line.say(PathsAwaited())
                    carrier = Carrier(order.carriage, await_paths(order, listener, line))
                side = OpenVpnSide(sock, (LOOPBACK, order.port))
            else:
                return
            carry(line, side, carrier)
    except (ConnectionFailedError, OSError) as error:
        line.say(Failed(str(error)))
        line.wait_for_end()


if __name__ == "__main__":
    main()
