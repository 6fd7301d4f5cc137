"""Sending what goes out of a device, or comes in there, to another one (clsact, mirred)."""

from __future__ import annotations

from pyroute2 import IPRoute

from lab.agents.net.reading import HOOKS, redirections
from lab.wire.shape import Direction

EVERYTHING, IP = 0x0003, 0x0800
"""ETH_P_ALL and ETH_P_IP of <linux/if_ether.h>."""
_CLSACT = 0xFFFF_0000


def redirect(
    ipr: IPRoute, index: int, direction: Direction, device: int, protocol: int, priority: int
) -> None:
    """Let `device` have the packets of `protocol`; of several such rules the lowest priority wins.

    What is so already is left alone.
    """
    if priority in redirections(index, direction, device):
        return
    if not any(found["handle"] == _CLSACT for found in ipr.get_qdiscs(index=index)):
        ipr.tc("add", "clsact", index)
    action = {"kind": "mirred", "direction": "egress", "action": "redirect", "ifindex": device}
    ipr.tc(
        "add-filter",
        "u32",
        index,
        parent=HOOKS[direction],
        prio=priority,
        protocol=protocol,
        target=0x1_0000,
        keys=["0x0/0x0+0"],
        action=action,
    )


def leave_alone(ipr: IPRoute, index: int, direction: Direction, device: int, protocol: int) -> None:
    """Undo every rule that sends packets of `protocol` to `device`."""
    for priority in redirections(index, direction, device):
        ipr.tc(
            "del-filter",
            "u32",
            index,
            parent=HOOKS[direction],
            prio=priority,
            protocol=protocol,
            target=0x1_0000,
            keys=["0x0/0x0+0"],
        )
