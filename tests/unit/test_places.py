"""Places: the table, the formula, and names that are not in it."""

from __future__ import annotations

import pytest

from lab.places.cities import PLACES, UnknownPlaceError, place_named
from lab.places.distance import STRETCH, Distances, great_circle_km

OF_THE_STUDIES = {
    *("Amsterdam", "Ashburn", "Bangalore", "Cape Town", "Columbus", "Dubai", "Frankfurt"),
    *("Jakarta", "Kuala Lumpur", "London", "Mexico City", "New York", "Osaka", "Paris"),
    *("Portland", "San Francisco", "Sao Paulo", "Seoul", "Singapore", "Stockholm", "Sydney"),
    *("Tel Aviv", "Toronto"),
}


def test_every_city_of_the_studies_is_a_place() -> None:
    """And some more, each at its own coordinates on the globe."""
    assert set(PLACES) >= OF_THE_STUDIES
    assert len(PLACES) >= 60
    assert all(
        -90 < place.latitude_deg < 90 and -180 < place.longitude_deg <= 180
        for place in PLACES.values()
    )
    coordinates = {(place.latitude_deg, place.longitude_deg) for place in PLACES.values()}
    assert len(coordinates) == len(PLACES)


@pytest.mark.parametrize(
    ("one", "other", "km"),
    [("London", "New York", 5570), ("Sydney", "Frankfurt", 16480), ("Paris", "London", 344)],
)
def test_great_circles_are_those_of_an_atlas(one: str, other: str, km: float) -> None:
    """Within half a per cent: centres of cities are a matter of taste."""
    assert great_circle_km(PLACES[one], PLACES[other]) == pytest.approx(km, rel=0.005)


def test_delay_grows_with_the_way_and_is_the_same_back() -> None:
    """Light in fibre needs 4.9 us for a km."""
    distances = Distances(stretch=1.0)
    there = distances.one_way_ms(PLACES["London"], PLACES["New York"])
    assert there == pytest.approx(5570 * 0.0049, rel=0.01)
    assert distances.one_way_ms(PLACES["New York"], PLACES["London"]) == there
    stretched = Distances().one_way_ms(PLACES["London"], PLACES["New York"])
    assert stretched == pytest.approx(STRETCH * there)
    assert distances.one_way_ms(PLACES["London"], PLACES["London"]) == 0


def test_any_pair_can_be_overridden_both_ways() -> None:
    """What somebody has measured goes before what a formula says."""
    distances = Distances(overrides_ms={frozenset({"London", "New York"}): 35.5})
    assert distances.one_way_ms(PLACES["London"], PLACES["New York"]) == 35.5
    assert distances.one_way_ms(PLACES["New York"], PLACES["London"]) == 35.5
    assert distances.one_way_ms(PLACES["London"], PLACES["Paris"]) < 5


def test_a_place_is_found_whatever_its_case_and_a_wrong_one_is_told() -> None:
    """With the one that was meant, where one is close."""
    assert place_named("new york") is PLACES["New York"]
    assert place_named("São Paulo") is PLACES["Sao Paulo"]
    with pytest.raises(UnknownPlaceError, match="did you mean Bangalore"):
        place_named("Bangalor")
    with pytest.raises(UnknownPlaceError, match="is no place of the table \\("):
        place_named("Atlantis-on-Sea")
