"""Makes addresses unreachable from this network namespace as long as its input lasts.

Runs in a short-lived container that shares the machine's namespace, with CAP_NET_ADMIN. First
order: {"addresses": [...]}. Event: {"event": "closed"}; at the end of the input they are
reachable again.
"""

from __future__ import annotations

from contextlib import suppress

from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkError

from lab.wire.lines import hear, say


def main() -> None:
    """Serve one call."""
    order = hear()
    if order is None:
        return
    routes = [{"dst": f"{address}/32", "type": "unreachable"} for address in order["addresses"]]
    with IPRoute() as ipr:
        try:
            for route in routes:
                ipr.route("replace", **route)
            say({"event": "closed"})
            hear()
        except NetlinkError as error:
            say({"error": str(error)})
        finally:
            for route in routes:
                with suppress(NetlinkError):
                    ipr.route("del", **route)


if __name__ == "__main__":
    main()
