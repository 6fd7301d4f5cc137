"""The two directions of a link in this network namespace (pyroute2, CAP_NET_ADMIN).

What the node sends is shaped on its device. What it receives is redirected to an ifb device
and shaped there, on its way in. Neither device makes or passes packets of several segments:
a queue would count 64 KB of TCP as one packet.
"""

from __future__ import annotations

import errno
from typing import Any

from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkError

from lab.agents.net import qdiscs
from lab.agents.net.reading import (
    INGRESS,
    ShapingError,
    devices,
    is_redirected,
    receiving_device,
    receiving_name,
)
from lab.wire.shape import Direction, Shape

_ETH_P_ALL = 0x0003


def set_link(ipr: IPRoute, index: int, sends: Shape, receives: Shape) -> None:
    """Bring both directions of the link on device `index` to what is asked for."""
    forbid_coalescing(ipr, index)
    set_direction(ipr, index, Direction.OUT, sends)
    set_direction(ipr, index, Direction.IN, receives)


def set_direction(ipr: IPRoute, index: int, direction: Direction, shape: Shape) -> None:
    """Bring one direction of the link on device `index` to `shape`; an open one has no shaper.

    ShapingError where the kernel cannot, or has something else afterwards.
    """
    if direction is Direction.OUT:
        qdiscs.set_shape(ipr, index, shape)
        return
    device = receiving_device(index)
    if shape.is_open:
        if device is not None:
            _undo_redirection(ipr, index)
            ipr.link("del", index=device)
        return
    if device is None:
        device = _add_receiving_device(ipr, index)
    qdiscs.set_shape(ipr, device, shape)
    _redirect(ipr, index, device)


def forbid_coalescing(ipr: IPRoute, index: int) -> None:
    """Let device `index` carry one segment per packet only; ShapingError where it does not."""
    ipr.link("set", index=index, gso_max_segs=1)
    found = ipr.get_links(index)[0].get_attr("IFLA_GSO_MAX_SEGS")
    if found != 1:
        name = devices()[index]
        raise ShapingError(f"{name} still joins up to {found} segments in one packet")


def _add_receiving_device(ipr: IPRoute, index: int) -> int:
    name = receiving_name(devices()[index])
    try:
        ipr.link("add", ifname=name, kind="ifb")
    except NetlinkError as error:
        if error.code != errno.EOPNOTSUPP:
            raise
        raise ShapingError(
            "this kernel has no ifb device, which shaping what a node receives would need"
        ) from error
    device = int(ipr.link_lookup(ifname=name)[0])
    forbid_coalescing(ipr, device)
    ipr.link("set", index=device, state="up")
    return device


def _redirect(ipr: IPRoute, index: int, device: int) -> None:
    if is_redirected(index, device):
        return
    _undo_redirection(ipr, index)
    ipr.tc("add", "ingress", index, handle=INGRESS)
    action: dict[str, Any] = {
        "kind": "mirred",
        "direction": "egress",
        "action": "redirect",
        "ifindex": device,
    }
    ipr.tc(
        "add-filter",
        "u32",
        index,
        parent=INGRESS,
        prio=1,
        protocol=_ETH_P_ALL,
        target=0x1_0000,
        keys=["0x0/0x0+0"],
        action=action,
    )
    if not is_redirected(index, device):
        raise ShapingError(f"what {devices()[index]} receives does not reach its shaper")


def _undo_redirection(ipr: IPRoute, index: int) -> None:
    if any(qdisc["handle"] == INGRESS for qdisc in ipr.get_qdiscs(index=index)):
        ipr.tc("del", "ingress", index, handle=INGRESS)
