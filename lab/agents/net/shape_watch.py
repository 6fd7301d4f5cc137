"""Whether what links do to packets is the same at the end of a call as it was at its beginning.

Needs no capability. The kernel is asked before and after, and tells of every change in between:
what was changed and changed back is seen as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Address

from lab.agents.net import reading, rtnetlink
from lab.wire.probe import LinkShapes, ShapesSeen
from lab.wire.shape import Direction, Shape, ShapingError


class ShapeWatch:
    """Watches the links of this network namespace until it is ended."""

    def __init__(self, links: Mapping[str, IPv4Address]) -> None:
        """`links` is network → address; ShapingError where this node has not all of them."""
        self._devices = {name: reading.device_of(address) for name, address in links.items()}
        self._told = rtnetlink.join(rtnetlink.TRAFFIC_CONTROL)
        self._before = self._read()

    def end(self) -> ShapesSeen:
        """What has been seen."""
        with self._told:
            return ShapesSeen(self._before, self._read(), rtnetlink.count_told(self._told))

    def _read(self) -> dict[str, LinkShapes]:
        return {
            name: LinkShapes(_shape(device, Direction.OUT), _shape(device, Direction.IN))
            for name, device in self._devices.items()
        }


def _shape(device: int, direction: Direction) -> Shape | None:
    try:
        return reading.in_force(device, direction)
    except ShapingError:
        return None
