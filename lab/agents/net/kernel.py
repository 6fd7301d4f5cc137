"""What this kernel offers a network namespace, found out by trying.

Runs in a container of its own network namespace with CAP_NET_ADMIN; nothing of what it adds
outlives the namespace.
"""

from __future__ import annotations

import errno
from pathlib import Path

from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkError

from lab.agents.net.qdiscs import has_qdisc
from lab.wire.kernel import KERNEL, KernelAbilities
from lab.wire.line import Line

QDISCS = (
    "htb",
    "tbf",
    "pfifo",
    "bfifo",
    "ingress",
    "clsact",
    "prio",
    "red",
    "sfq",
    "fq",
    "fq_codel",
    "cake",
)
LINKS = ("ifb", "veth", "vxlan")


def has_link(ipr: IPRoute, kind: str) -> bool:
    """Whether the kernel knows the kind of link; it may still want options.

    NetlinkError where it may not be tried.
    """
    try:
        ipr.link("add", ifname="probe0", kind=kind)
        ipr.link("del", ifname="probe0")
    except NetlinkError as error:
        if error.code == errno.EPERM:
            raise
        return bool(error.code != errno.EOPNOTSUPP)
    return True


def main() -> None:
    """Tell what was found."""
    tcp = Path("/proc/sys/net/ipv4")
    with IPRoute() as ipr:
        found = KernelAbilities(
            qdiscs={kind: has_qdisc(ipr, kind) for kind in QDISCS},
            links={kind: has_link(ipr, kind) for kind in LINKS},
            congestion_controls=tuple(
                (tcp / "tcp_available_congestion_control").read_text().split()
            ),
            default_congestion_control=(tcp / "tcp_congestion_control").read_text().strip(),
        )
    Line(KERNEL).say(found)


if __name__ == "__main__":
    main()
