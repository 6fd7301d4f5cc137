"""Tells when the servers on this node's machine listen.

First order: {"sockets": [{"name", "protocol": "tcp" or "udp", "port"}]}. For each one
{"event": "listening", "name", "at"} follows, `at` in Unix seconds. Ends after the last, or at
the end of the input.
"""

from __future__ import annotations

import select
import sys
import time
from pathlib import Path
from typing import Any

from lab.wire.lines import hear, say

PROC_NET = Path("/proc/net")
POLL_S = 0.05
_AWAITED_STATES = {"tcp": "0A", "udp": "07"}
"""TCP_LISTEN of <net/tcp_states.h>, and what an unconnected UDP socket shows."""


def listens(table: str, protocol: str, port: int) -> bool:
    """Whether /proc/net/tcp or /proc/net/udp, given as text, shows a server at `port`."""
    rows = (line.split() for line in table.splitlines()[1:])
    return any(
        row[1].endswith(f":{port:04X}") and row[3] == _AWAITED_STATES[protocol] for row in rows
    )


def main() -> None:
    """Answer one order."""
    order = hear()
    awaited: list[dict[str, Any]] = order["sockets"] if order else []
    while awaited:
        tables = {name: (PROC_NET / name).read_text() for name in _AWAITED_STATES}
        for socket in list(awaited):
            if listens(tables[socket["protocol"]], socket["protocol"], socket["port"]):
                say({"event": "listening", "name": socket["name"], "at": time.time()})
                awaited.remove(socket)
        if awaited and select.select([sys.stdin], [], [], POLL_S)[0]:
            return


if __name__ == "__main__":
    main()
