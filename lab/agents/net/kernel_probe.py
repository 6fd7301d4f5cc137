"""What this kernel offers a network namespace, found out by trying.

Runs in a container of its own network namespace with CAP_NET_ADMIN and prints one JSON
object; nothing of what it adds outlives the namespace.
"""

from __future__ import annotations

import errno
import json
from pathlib import Path
from typing import Any

from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkError

_LOOPBACK = 1
_PARAMETERS: dict[str, dict[str, Any]] = {
    "tbf": {"rate": "1mbit", "burst": 4096, "limit": 8192},
}
"""For those that pyroute2 does not send without."""
QDISCS = (
    "htb",
    "tbf",
    "pfifo",
    "bfifo",
    "ingress",
    "netem",
    "prio",
    "red",
    "sfq",
    "fq",
    "fq_codel",
    "cake",
)
LINKS = ("ifb", "veth", "vxlan")


def has_qdisc(ipr: IPRoute, kind: str) -> bool:
    """Whether the kernel knows the qdisc; it may still refuse to be set without options."""
    parameters = _PARAMETERS.get(kind, {})
    try:
        ipr.tc("add", kind, _LOOPBACK, **parameters)
        ipr.tc("del", kind, _LOOPBACK, **parameters)
    except NetlinkError as error:
        return bool(error.code != errno.ENOENT)
    return True


def has_link(ipr: IPRoute, kind: str) -> bool:
    """Whether the kernel knows the kind of link; it may still want options."""
    try:
        ipr.link("add", ifname="probe0", kind=kind)
        ipr.link("del", ifname="probe0")
    except NetlinkError as error:
        return bool(error.code != errno.EOPNOTSUPP)
    return True


def main() -> None:
    """Print what was found."""
    tcp = Path("/proc/sys/net/ipv4")
    with IPRoute() as ipr:
        found = {
            "qdiscs": {kind: has_qdisc(ipr, kind) for kind in QDISCS},
            "links": {kind: has_link(ipr, kind) for kind in LINKS},
            "congestion_controls": (tcp / "tcp_available_congestion_control").read_text().split(),
            "default_congestion_control": (tcp / "tcp_congestion_control").read_text().strip(),
        }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
