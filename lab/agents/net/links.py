"""Shows, changes and watches the links of one machine, live.

Runs in a short-lived container that shares the machine's network namespace; `set` needs
CAP_NET_ADMIN, the rest needs no capability. Links are named by the node's address on them, a
direction is "out" or "in", shapes are those of `lab.agents.net.qdiscs`. Each order gets one answer:

{"op": "show", "addresses"}  → {"links": [{"address", "interface", "out", "in"}], each direction
                                {"shape", "counters"}}
{"op": "set", "changes": [{"address", "direction", "shape"} or {…, "update": {part of a shape}}]}
                             → {"before": [shape, …], "after": [shape, …]}; an update keeps what
                                it does not name; at the first failure all is put back
{"op": "sample", "points": [{"address", "direction"}], "interval_s"}
                             → {"event": "started"}; from then on they are counted
{"op": "stop"}               → {"event": "stopped", "samples": one list of counters with their time
                                "at" per point sampled}
"""

from __future__ import annotations

import threading
import time
from typing import Any

from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkError

from lab.agents.net import shaping
from lab.agents.net.qdiscs import Shape, ShapingError
from lab.wire.lines import hear, say

_UNSHAPED: Shape = {"rate_kbps": None, "queue": None, "delay_ms": 0.0, "loss_pct": 0.0}
_QUEUE = {"kind": "htb", "fifo": "pfifo", "limit": 200}


def show(ipr: IPRoute, addresses: list[str]) -> dict[str, Any]:
    """What is in force on every link."""
    return {"links": [_show_link(ipr, address) for address in addresses]}


def change(ipr: IPRoute, changes: list[dict[str, Any]]) -> dict[str, Any]:
    """Make every change or none."""
    before: list[Shape | None] = []
    after: list[Shape | None] = []
    try:
        for wanted in changes:
            index = shaping.device_of(ipr, wanted["address"])
            before.append(shaping.in_force(ipr, index, wanted["direction"]))
            shape = wanted["shape"] if "shape" in wanted else updated(before[-1], wanted["update"])
            shaping.set_direction(ipr, index, wanted["direction"], shape)
            after.append(shaping.in_force(ipr, index, wanted["direction"]))
    except (ShapingError, NetlinkError):
        for wanted, shape in zip(changes, before, strict=False):
            index = shaping.device_of(ipr, wanted["address"])
            shaping.set_direction(ipr, index, wanted["direction"], shape)
        raise
    return {"before": before, "after": after}


def updated(shape: Shape | None, update: dict[str, Any]) -> Shape | None:
    """`shape` with what `update` names changed; a part of a queue keeps the rest of it.

    ShapingError where a queue would be left without a rate.
    """
    merged = {**(shape or _UNSHAPED), **{k: v for k, v in update.items() if k != "queue"}}
    if merged["rate_kbps"] is not None:
        queue = {**(merged["queue"] or _QUEUE), **update.get("queue", {})}
        merged["queue"] = queue
    elif "queue" in update:
        raise ShapingError("a queue needs a rate, and this direction of the link has none")
    else:
        merged["queue"] = None
    return None if merged == _UNSHAPED else merged


class Sampler:
    """Reads the counters of some points at equal intervals until it is stopped."""

    def __init__(self, points: list[dict[str, str]], interval_s: float) -> None:
        self.samples: list[list[dict[str, Any]]] = [[] for _ in points]
        self._points = points
        self._interval_s = interval_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def stop(self) -> list[list[dict[str, Any]]]:
        """Take a last sample and return all."""
        self._stop.set()
        self._thread.join()
        return self.samples

    def _run(self) -> None:
        with IPRoute() as ipr:
            points = [
                (shaping.device_of(ipr, point["address"]), point["direction"])
                for point in self._points
            ]
            due = time.monotonic()
            stopped = False
            while not stopped:
                due += self._interval_s
                stopped = self._stop.wait(due - time.monotonic())
                for (index, direction), samples in zip(points, self.samples, strict=True):
                    if found := shaping.counters(ipr, index, direction):
                        samples.append({"at": time.time(), **found})


def main() -> None:
    """Answer orders until standard input ends."""
    sampler: Sampler | None = None
    with IPRoute() as ipr:
        while (order := hear()) is not None:
            try:
                match order["op"]:
                    case "show":
                        say(show(ipr, order["addresses"]))
                    case "set":
                        say(change(ipr, order["changes"]))
                    case "sample":
                        sampler = Sampler(order["points"], order["interval_s"])
                        say({"event": "started"})
                    case "stop" if sampler is not None:
                        say({"event": "stopped", "samples": sampler.stop()})
                        sampler = None
                    case unknown:
                        say({"error": f"no such order: {unknown!r}"})
            except (ShapingError, NetlinkError) as error:
                say({"error": str(error)})
    if sampler is not None:
        sampler.stop()


def _show_link(ipr: IPRoute, address: str) -> dict[str, Any]:
    index = shaping.device_of(ipr, address)
    return {
        "address": address,
        "interface": ipr.get_links(index)[0].get_attr("IFLA_IFNAME"),
        **{
            direction: {
                "shape": shaping.in_force(ipr, index, direction),
                "counters": shaping.counters(ipr, index, direction),
            }
            for direction in shaping.DIRECTIONS
        },
    }


if __name__ == "__main__":
    main()
