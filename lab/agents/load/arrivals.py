"""Counts what arrives at a server, connection by connection, beside its machine.

Uploads are counted here because their sender knows little: what it has written may wait for
many seconds in the buffers of its kernel and its Tor client. Needs no capability.
"""

from __future__ import annotations

import socket

from pyroute2 import DiagSocket

from lab.agents.load.streams import Streams, serve
from lab.wire.line import Line
from lab.wire.load import ARRIVALS, CountArrivals, Counting, Death

_ESTABLISHED = 1 << 1
"""The bit of TCP_ESTABLISHED, <net/tcp_states.h>."""
_INFO = 1 << (2 - 1)
"""The bit of INET_DIAG_INFO, <linux/inet_diag.h>: the kernel's tcp_info of each socket."""

Peer = tuple[str, int]


class Arrivals(Streams):
    """All new connections to one port, in the order in which they were first seen."""

    def __init__(self, diag: DiagSocket, count: int, port: int) -> None:
        super().__init__(count)
        self._diag = diag
        self._port = port
        self._received: dict[Peer, int] = {}
        self._left_over = set(self._every())
        """Of an earlier load: where the end of a connection was lost, its server waits on."""

    def start_next(self) -> None:
        """Nothing: others start the streams."""

    def connected(self) -> int:
        """Connections that are established."""
        return len(self._look())

    def counted_bytes(self) -> list[int]:
        """Payload that the kernel has received of each, also of those that have ended."""
        self._received |= self._look()
        return list(self._received.values())

    def deaths(self, now: float) -> list[Death]:
        """None: who is on the other side knows better."""
        return []

    def _look(self) -> dict[Peer, int]:
        found = self._every()
        self._left_over &= found.keys()
        return {peer: count for peer, count in found.items() if peer not in self._left_over}

    def _every(self) -> dict[Peer, int]:
        """Who is connected, and what the kernel has received of each."""
        found = {}
        for entry in self._diag.get_sock_stats(
            family=socket.AF_INET, states=_ESTABLISHED, extensions=_INFO
        ):
            if entry["idiag_sport"] == self._port:
                information = entry.get_attr("INET_DIAG_INFO")
                peer = entry["idiag_dst"], entry["idiag_dport"]
                found[peer] = information["tcpi_bytes_received"]
        return found


def main() -> None:
    """Serve one load."""
    line = Line(ARRIVALS)
    order = line.hear_first(CountArrivals)
    if order is None:
        return
    with DiagSocket() as diag:
        diag.bind()
        arrivals = Arrivals(diag, order.count, order.port)
        line.say(Counting())
        serve(line, arrivals, spacing_s=0.0)


if __name__ == "__main__":
    main()
