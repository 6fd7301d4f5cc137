"""How far two places are apart, and how long a packet takes from one to the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import asin, cos, radians, sin, sqrt

from lab.places.cities import Place

EARTH_RADIUS_KM = 6371.0
"""The mean radius (IUGG)."""
LIGHT_KM_PER_MS = 299.792458
FIBRE_INDEX = 1.4682
"""Refractive index of single-mode fibre at 1550 nm (that of Corning SMF-28)."""
FIBRE_KM_PER_MS = LIGHT_KM_PER_MS / FIBRE_INDEX
STRETCH = 1.6
"""How much longer than the great circle what packets go through is: cables follow coasts and
roads, and routes follow contracts. `docs/places.md` sets it beside published round trips."""


def great_circle_km(one: Place, other: Place) -> float:
    """The shortest way over the globe (haversine formula)."""
    north, south = radians(one.latitude_deg), radians(other.latitude_deg)
    apart = radians(other.longitude_deg - one.longitude_deg)
    half = sin((south - north) / 2) ** 2 + cos(north) * cos(south) * sin(apart / 2) ** 2
    return 2 * EARTH_RADIUS_KM * asin(min(1.0, sqrt(half)))


@dataclass(frozen=True, slots=True)
class Distances:
    """One-way delays between places."""

    stretch: float = STRETCH
    overrides_ms: Mapping[frozenset[str], float] = field(default_factory=dict)
    """Pairs of names for which the formula does not hold, one way."""

    def one_way_ms(self, one: Place, other: Place) -> float:
        """Great circle by stretch over speed of light in fibre; the override where there is one."""
        pair = frozenset({one.name, other.name})
        if pair in self.overrides_ms:
            return self.overrides_ms[pair]
        return great_circle_km(one, other) * self.stretch / FIBRE_KM_PER_MS
