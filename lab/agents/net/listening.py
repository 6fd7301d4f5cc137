"""Tells when the servers on this node's machine listen."""

from __future__ import annotations

import time
from pathlib import Path

from lab.agents.net.sockets import sockets_in
from lab.wire.line import Line
from lab.wire.listening import LISTENING, AwaitSockets, Listening
from lab.wire.sockets import TcpState

PROC_NET = Path("/proc/net")
POLL_S = 0.05
_AWAITED_STATES = {"tcp": TcpState.LISTEN, "udp": TcpState.CLOSE}
"""What a server's socket shows; of UDP one that is not connected."""


def listens(table: str, protocol: str, port: int) -> bool:
    """Whether /proc/net/tcp or /proc/net/udp, given as text, shows a server at `port`."""
    awaited = port, _AWAITED_STATES[protocol]
    return any((each.near_port, each.state) == awaited for each in sockets_in(table))


def main() -> None:
    """Answer one order."""
    line = Line(LISTENING)
    order = line.hear_first(AwaitSockets)
    awaited = list(order.sockets) if order else []
    while awaited and not line.ended:
        tables = {name: (PROC_NET / name).read_text() for name in _AWAITED_STATES}
        for socket in list(awaited):
            if listens(tables[socket.protocol], socket.protocol, socket.port):
                line.say(Listening(socket.server, time.time()))
                awaited.remove(socket)
        if awaited:
            line.hear(POLL_S)


if __name__ == "__main__":
    main()
