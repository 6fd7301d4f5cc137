"""Makes addresses unreachable from this network namespace as long as its input lasts.

Runs in a short-lived container that shares the machine's namespace, with CAP_NET_ADMIN.
"""

from __future__ import annotations

from contextlib import suppress
from ipaddress import IPv4Network

from lab.agents.net import routes
from lab.agents.net.rtnetlink import NetlinkError
from lab.wire.barrier import BARRIER, CloseWays, WaysClosed
from lab.wire.line import Line
from lab.wire.messages import Failed


def main() -> None:
    """Serve one call."""
    line = Line(BARRIER)
    order = line.hear_first(CloseWays)
    if order is None:
        return
    barred = [IPv4Network(address) for address in order.addresses]
    try:
        for address in barred:
            routes.close(address)
        line.say(WaysClosed())
        line.wait_for_end()
    except NetlinkError as error:
        line.say(Failed(str(error)))
    finally:
        for address in barred:
            with suppress(NetlinkError):
                routes.reopen(address)


if __name__ == "__main__":
    main()
