"""Where places are on a flat map of the world, and the land around them.

`land.json` holds the outlines of land, rings of degrees east and north. They are made of Natural
Earth's 1:110m countries (public domain, naturalearthdata.com; the borders between countries left
out, lines simplified to 0.4 degrees, islands under 0.8 square degrees and Antarctica left out).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from lab.places.cities import Place

Ring = tuple[tuple[float, float], ...]
"""Degrees east and north, the first point not repeated."""

MARGIN_EAST_DEG, MARGIN_NORTH_DEG = 24.0, 12.0
"""Around the outermost places."""
MOST_PX_PER_DEG = 14.0
"""The outlines are too coarse for more."""
NORTHERNMOST_DEG, SOUTHERNMOST_DEG = 84.0, -58.0


@cache
def land() -> tuple[Ring, ...]:
    """The outlines of land, the largest first; lakes are rings inside others."""
    rings = json.loads(Path(__file__).with_name("land.json").read_text(encoding="utf-8"))
    return tuple(tuple((float(east), float(north)) for east, north in ring) for ring in rings)


@dataclass(frozen=True, slots=True)
class Projection:
    """Degrees to pixels, alike in both directions (equirectangular)."""

    west_deg: float
    """At x = 0."""
    north_deg: float
    """At y = 0."""
    px_per_deg: float
    height: float

    def point(self, east_deg: float, north_deg: float) -> tuple[float, float]:
        """x and y."""
        return (
            (east_deg - self.west_deg) * self.px_per_deg,
            (self.north_deg - north_deg) * self.px_per_deg,
        )


def projection(places: Iterable[Place], width: float, least_height: float) -> Projection:
    """A map `width` wide on which all `places` are, and some of what is around them."""
    there = list(places)
    easts = [place.longitude_deg for place in there]
    norths = [place.latitude_deg for place in there]
    degrees = max(easts) - min(easts) + 2 * MARGIN_EAST_DEG
    degrees = max(min(degrees, 360.0), width / MOST_PX_PER_DEG)
    px_per_deg = width / degrees
    north = min(max(norths) + MARGIN_NORTH_DEG, NORTHERNMOST_DEG)
    south = max(min(norths) - MARGIN_NORTH_DEG, SOUTHERNMOST_DEG)
    height = max((north - south) * px_per_deg, least_height)
    missing = height / px_per_deg - (north - south)
    return Projection(
        west_deg=(max(easts) + min(easts)) / 2 - degrees / 2,
        north_deg=north + missing / 2,
        px_per_deg=px_per_deg,
        height=height,
    )


@lru_cache(16)
def outline(of: Projection) -> str:
    """All land as one SVG path, to be filled by the even-odd rule."""
    parts = []
    for ring in land():
        points = [of.point(east, north) for east, north in ring]
        parts.append("M" + "L".join(f"{x:.0f} {y:.0f}" for x, y in points) + "Z")
    return "".join(parts)
