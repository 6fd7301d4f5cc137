"""Waits until a node has its routes, then becomes the node's command.

`python3 -m lab.agents.net.routes_ready -- COMMAND…` stands in front of every node's command.
The net helper (`lab.agents.net.network`) enters the node's namespace only once the container
runs; the last thing it sets is an unreachable default route, so that is the sign.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

ROUTES = Path("/proc/net/route")
DEADLINE_S = 120.0
POLL_S = 0.02
REJECT_FLAG = 0x200
"""RTF_REJECT of <linux/route.h>: how the kernel shows an unreachable route here."""


def is_closed(table: str) -> bool:
    """Whether the main table, as /proc/net/route prints it, has an unreachable default route."""
    rows = (line.split() for line in table.splitlines()[1:])
    return any(
        row[1] == "00000000" and row[7] == "00000000" and int(row[3], 16) & REJECT_FLAG
        for row in rows
        if len(row) > 7
    )


def wait_until_closed(routes: Path = ROUTES, deadline_s: float = DEADLINE_S) -> bool:
    """Wait for the unreachable default route; False where it does not come in time."""
    end = time.monotonic() + deadline_s
    while not is_closed(routes.read_text()):
        if time.monotonic() > end:
            return False
        time.sleep(POLL_S)
    return True


def main(arguments: Sequence[str]) -> None:
    """Wait, then replace this process by the command after `--`."""
    if len(arguments) < 2 or arguments[0] != "--":
        sys.exit("usage: python3 -m lab.agents.net.routes_ready -- COMMAND…")
    if not wait_until_closed():
        sys.exit(
            f"routes_ready: no unreachable default route after {DEADLINE_S:.0f} s; "
            f"the net helper did not finish. The routes are:\n{ROUTES.read_text()}"
        )
    command = list(arguments[1:])
    os.execvp(command[0], command)  # noqa: S606


if __name__ == "__main__":
    main(sys.argv[1:])
