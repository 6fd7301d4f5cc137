"""Where can be captured in a running lab at this moment."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lab.calls.methods import every_measuring_point
from lab.capturing.place import Place, place_of, places_of
from lab.capturing.running_call import RunningCall
from lab.errors import LabError
from lab.lifecycle.ready import ReadyLab


@dataclass(frozen=True, slots=True)
class Listed:
    """Something that can be named, and where it is."""

    point: str
    about: str
    """Where it is, or whose, in words for people."""
    place: Place | None
    """None where it is nowhere now."""
    lacking: str | None = None
    """Why it is nowhere, as a sentence."""

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        place = self.place
        return {
            "point": self.point,
            "about": self.about,
            "node": place and place.machine,
            "network": place and place.network,
            "address": place and place.address and str(place.address),
            "lacking": self.lacking,
        }


def overview(lab: ReadyLab, call: RunningCall | None) -> Iterator[Listed]:
    """Every measuring point of calls, then every interface of every machine."""
    for point in every_measuring_point():
        try:
            yield Listed(point.name, point.where, place_of(lab, point, call))
        except LabError as error:
            yield Listed(point.name, point.where, None, error.message)
    for node in lab.topology.nodes:
        if node.links:
            for place in places_of(lab.topology, node):
                yield Listed(place.point, node.role, place)
