"""The queueing disciplines of one device: set, changed in place, read back (pyroute2).

From the packet's side a shape is built so:

    netem (delay, loss) → htb class or tbf (rate) → pfifo or bfifo (queue)

with what is not asked for left out. Rates count the Ethernet header, as the kernel does.
"""

from __future__ import annotations

import errno
from typing import Any

from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkError
from pyroute2.netlink.rtnl import TC_H_ROOT
from pyroute2.netlink.rtnl.tcmsg import plugins

from lab.agents.net.reading import CLASS, FIFO, NETEM, SHAPER, ShapingError, shape_of
from lab.wire.shape import Shape, ShaperKind

# pyroute2 knows pfifo only; the options of both are one and the same number.
plugins.setdefault("bfifo", plugins["pfifo"])

FRAME_BYTES = 1514
"""An Ethernet frame of the usual MTU, without FCS."""
BURST_MS = 1.0
"""How much a cap may send at once, in time at its rate: what the kernel's timers need."""
NETEM_PACKETS = 100_000
"""Room for what is under way inside a delay; far more than any delay holds here."""

_TBF_CHILD, _NETEM_CHILD = 0x1_0001, 0x3_0001
_HTB_DEFAULT = 0x10
_LOOPBACK = 1
_NEEDED_OPTIONS: dict[str, dict[str, Any]] = {
    "tbf": {"rate": "1mbit", "burst": 4096, "limit": 8192},
}
"""For those that pyroute2 does not send without."""


def set_shape(ipr: IPRoute, index: int, shape: Shape) -> None:
    """Bring device `index` to `shape`, in place where only figures differ.

    ShapingError where the kernel lacks what is needed, or has something else afterwards.
    """
    current = shape_of(index)
    if shape == current:
        return
    if _has_netem(shape):
        require_qdisc(ipr, "netem", "delay and loss on a link")
    if current is None or _structure(shape) != _structure(current):
        _remove(ipr, index)
        if not shape.is_open:
            _build(ipr, index, shape, "add")
    else:
        _build(ipr, index, shape, "change")
    found = shape_of(index)
    if found != shape:
        raise ShapingError(f"asked for {shape}, but the kernel has {found or 'something else'}")


def has_qdisc(ipr: IPRoute, kind: str) -> bool:
    """Whether the kernel knows the qdisc, found out by trying; it may still want options."""
    options = _NEEDED_OPTIONS.get(kind, {})
    try:
        ipr.tc("add", kind, _LOOPBACK, **options)
        ipr.tc("del", kind, _LOOPBACK, **options)
    except NetlinkError as error:
        return bool(error.code != errno.ENOENT)
    return True


def require_qdisc(ipr: IPRoute, kind: str, purpose: str) -> None:
    """ShapingError where the kernel does not know the qdisc `kind`."""
    if not has_qdisc(ipr, kind):
        raise ShapingError(f"this kernel has no {kind} qdisc, which {purpose} would need")


def burst_bytes(rate_kbps: int) -> int:
    """What a cap of that rate may send at once; two frames at least."""
    return max(2 * FRAME_BYTES, int(rate_kbps / 8 * BURST_MS))


def _build(ipr: IPRoute, index: int, shape: Shape, verb: str) -> None:
    """`add` all of a shape to a bare device, or `change` the figures of one of equal structure."""
    parent = TC_H_ROOT
    if _has_netem(shape):
        ipr.tc(
            verb,
            "netem",
            index,
            handle=NETEM,
            parent=parent,
            delay=shape.delay_ms * 1000,
            loss=shape.loss_pct,
            limit=NETEM_PACKETS,
        )
        parent = _NETEM_CHILD
    if shape.rate_kbps is None:
        return
    rate = shape.rate_kbps * 125
    burst = burst_bytes(shape.rate_kbps)
    queue = shape.queue
    if queue.kind is ShaperKind.HTB:
        if verb == "add":
            ipr.tc("add", "htb", index, handle=SHAPER, parent=parent, default=_HTB_DEFAULT)
        ipr.tc(
            f"{verb}-class",
            "htb",
            index,
            handle=CLASS,
            parent=SHAPER,
            rate=rate,
            ceil=rate,
            burst=burst,
            cburst=burst,
            quantum=FRAME_BYTES,
        )
        fifo_parent = CLASS
    else:
        # The kernel sets the limit of any fifo below a tbf, too; the fifo's own follows.
        ipr.tc(
            verb, "tbf", index, handle=SHAPER, parent=parent, rate=rate, burst=burst, limit=burst
        )
        fifo_parent = _TBF_CHILD
    ipr.tc(verb, str(queue.fifo), index, handle=FIFO, parent=fifo_parent, limit=queue.limit)


def _remove(ipr: IPRoute, index: int) -> None:
    for qdisc in ipr.get_qdiscs(index=index):
        if qdisc["parent"] == TC_H_ROOT and qdisc["handle"] in (SHAPER, NETEM):
            ipr.tc("del", index=index, handle=qdisc["handle"], root=True)


def _has_netem(shape: Shape) -> bool:
    return bool(shape.delay_ms or shape.loss_pct)


def _structure(shape: Shape) -> tuple[Any, ...]:
    """What cannot be changed in place."""
    if shape.rate_kbps is None:
        return (_has_netem(shape),)
    return _has_netem(shape), shape.queue.kind, shape.queue.fifo
