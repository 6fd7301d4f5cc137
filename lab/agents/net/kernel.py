"""What this kernel offers a network namespace, found out by trying.

Runs in a container of its own network namespace with CAP_NET_ADMIN; nothing of what it adds
outlives the namespace.
"""

from __future__ import annotations

import errno
from pathlib import Path

from lab.agents.net import interfaces
from lab.agents.net.qdiscs import has_qdisc
from lab.agents.net.reading import device_called
from lab.agents.net.rtnetlink import NetlinkError
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
_PROBE = "probe0"


def has_link(kind: str) -> bool:
    """Whether the kernel knows the kind of link; it may still want options.

    NetlinkError where it may not be tried.
    """
    try:
        interfaces.add(_PROBE, kind)
    except NetlinkError as error:
        if error.errno == errno.EPERM:
            raise
        return error.errno != errno.EOPNOTSUPP
    if (index := device_called(_PROBE)) is not None:
        interfaces.remove(index)
    return True


def main() -> None:
    """Tell what was found."""
    tcp = Path("/proc/sys/net/ipv4")
    found = KernelAbilities(
        qdiscs={kind: has_qdisc(kind) for kind in QDISCS},
        links={kind: has_link(kind) for kind in LINKS},
        congestion_controls=tuple((tcp / "tcp_available_congestion_control").read_text().split()),
        default_congestion_control=(tcp / "tcp_congestion_control").read_text().strip(),
    )
    Line(KERNEL).say(found)


if __name__ == "__main__":
    main()
