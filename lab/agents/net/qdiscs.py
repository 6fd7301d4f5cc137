"""The cap of one device: set, changed in place, taken off (pyroute2).

From the packet's side a cap is built so:

    htb class or tbf (rate) → pfifo or bfifo (queue)

Rates count the Ethernet header, as the kernel does.
"""

from __future__ import annotations

import errno
import time
from typing import Any

from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkError
from pyroute2.netlink.rtnl import TC_H_ROOT
from pyroute2.netlink.rtnl.tcmsg import plugins

from lab.agents.net.reading import CLASS, FIFO, SHAPER, cap_of, waiting_packets
from lab.wire.shape import Queue, Shape, ShaperKind, ShapingError

# pyroute2 knows pfifo only; the options of both are one and the same number.
plugins.setdefault("bfifo", plugins["pfifo"])

FRAME_BYTES = 1514
"""An Ethernet frame of the usual MTU, without FCS."""
BURST_MS = 1.0
"""How much a cap may send at once, in time at its rate: what the kernel's timers need."""

_TBF_CHILD = 0x1_0001
_DRAIN_POLL_S = 0.01
_HTB_DEFAULT = 0x10
_LOOPBACK = 1
_NEEDED_OPTIONS: dict[str, dict[str, Any]] = {
    "tbf": {"rate": "1mbit", "burst": 4096, "limit": 8192},
}
"""For those that pyroute2 does not send without."""


def set_cap(ipr: IPRoute, index: int, cap: Shape) -> None:
    """Bring device `index` to the rate and queue of `cap`, in place where only figures differ.

    ShapingError where the kernel lacks what is needed, or has something else afterwards.
    """
    wanted = Shape(cap.rate_kbps, cap.queue)
    current = cap_of(index)
    if wanted == current:
        return
    if current is None or _structure(wanted) != _structure(current):
        _remove(ipr, index)
        if wanted.rate_kbps is not None:
            _build(ipr, index, wanted.rate_kbps, wanted.queue, "add")
    elif wanted.rate_kbps is not None:
        _build(ipr, index, wanted.rate_kbps, wanted.queue, "change")
    found = cap_of(index)
    if found != wanted:
        raise ShapingError(f"asked for {wanted}, but the kernel has {found or 'something else'}")


def remove_drained(ipr: IPRoute, index: int, patience_s: float) -> None:
    """Take the cap off a device into which nothing goes any more, once its queue is empty.

    What is still there after `patience_s` is dropped.
    """
    deadline = time.monotonic() + patience_s
    while waiting_packets(index) and time.monotonic() < deadline:
        time.sleep(_DRAIN_POLL_S)
    _remove(ipr, index)


def has_qdisc(ipr: IPRoute, kind: str) -> bool:
    """Whether the kernel knows the qdisc, found out by trying; it may still want options.

    NetlinkError where it may not be tried.
    """
    options = _NEEDED_OPTIONS.get(kind, {})
    try:
        ipr.tc("add", kind, _LOOPBACK, **options)
        ipr.tc("del", kind, _LOOPBACK, **options)
    except NetlinkError as error:
        if error.code == errno.EPERM:
            raise
        return bool(error.code != errno.ENOENT)
    return True


def burst_bytes(rate_kbps: int) -> int:
    """What a cap of that rate may send at once; two frames at least."""
    return max(2 * FRAME_BYTES, int(rate_kbps / 8 * BURST_MS))


def _build(ipr: IPRoute, index: int, rate_kbps: int, queue: Queue, verb: str) -> None:
    """`add` all of a cap to a bare device, or `change` the figures of one of equal structure."""
    rate = rate_kbps * 125
    burst = burst_bytes(rate_kbps)
    if queue.kind is ShaperKind.HTB:
        if verb == "add":
            ipr.tc("add", "htb", index, handle=SHAPER, root=True, default=_HTB_DEFAULT)
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
        ipr.tc(verb, "tbf", index, handle=SHAPER, root=True, rate=rate, burst=burst, limit=burst)
        fifo_parent = _TBF_CHILD
    ipr.tc(verb, str(queue.fifo), index, handle=FIFO, parent=fifo_parent, limit=queue.limit)


def _remove(ipr: IPRoute, index: int) -> None:
    for qdisc in ipr.get_qdiscs(index=index):
        if qdisc["parent"] == TC_H_ROOT and qdisc["handle"] == SHAPER:
            ipr.tc("del", index=index, handle=SHAPER, root=True)


def _structure(cap: Shape) -> tuple[Any, ...]:
    """What cannot be changed in place."""
    return () if cap.rate_kbps is None else (cap.queue.kind, cap.queue.fifo)
