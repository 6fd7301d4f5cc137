"""Makes addresses unreachable from this network namespace as long as its input lasts.

Runs in a short-lived container that shares the machine's namespace, with CAP_NET_ADMIN.
"""

from __future__ import annotations

from contextlib import suppress

from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkError

from lab.wire.barrier import BARRIER, CloseWays, WaysClosed
from lab.wire.line import Line
from lab.wire.messages import Failed


def main() -> None:
    """Serve one call."""
    line = Line(BARRIER)
    order = line.hear_first(CloseWays)
    if order is None:
        return
    routes = [{"dst": f"{address}/32", "type": "unreachable"} for address in order.addresses]
    with IPRoute() as ipr:
        try:
            for route in routes:
                ipr.route("replace", **route)
            line.say(WaysClosed())
            line.wait_for_end()
        except NetlinkError as error:
            line.say(Failed(str(error)))
        finally:
            for route in routes:
                with suppress(NetlinkError):
                    ipr.route("del", **route)


if __name__ == "__main__":
    main()
