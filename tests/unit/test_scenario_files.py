"""The first study's scenarios as experiments: what is drawn, and that all have the same world."""

from __future__ import annotations

import random
from functools import cache
from itertools import permutations

import pytest

from lab.places.cities import PLACES
from lab.sweep.experiment import Experiment, find_experiment, load_experiment
from lab.topology.load import find_topology, load_topology
from lab.topology.variant import value_from

CITIES = (
    *("Amsterdam", "Bangalore", "Frankfurt", "London"),
    *("New York", "San Francisco", "Singapore", "Toronto"),
)
SEED = 16
PLACES_DRAWN = 10
WITH_CALLEE, OTHERS = "scenario-1", ("scenario-2", "scenario-3", "bridges-busy")
APPS = "scenario-1-w-tor"


def drawn() -> list[tuple[str, str, str]]:
    """Caller, callee and server, each in a city of its own."""
    chance = random.Random(SEED)
    return chance.sample(list(permutations(CITIES, 3)), PLACES_DRAWN)


@cache
def experiment(name: str, quick: bool = False) -> Experiment:
    return load_experiment(find_experiment(name), quick)


def places(found: Experiment, *nodes: str) -> list[tuple[str, ...]]:
    """The cities of these nodes, each combination once."""
    rows = [point.to_dict() for point in found.points]
    cities = [
        tuple(value_from(str(row[f"topology.nodes.{node}.place"])) for node in nodes)
        for row in rows
    ]
    return list(dict.fromkeys(cities))


def test_the_cities_are_places() -> None:
    assert set(CITIES) <= set(PLACES)


@pytest.mark.parametrize("name", OTHERS)
def test_places_are_those_that_the_seed_draws(name: str) -> None:
    full, quick = experiment(name), experiment(name, quick=True)
    found = places(full, "caller", "callee", "server")
    assert len(found) == (2 if name == "bridges-busy" else PLACES_DRAWN)
    assert sorted(found) == sorted(drawn()[: len(found)])
    assert set(places(quick, "caller", "callee", "server")) <= set(drawn()[:2])


@pytest.mark.parametrize("name", [WITH_CALLEE, APPS])
def test_with_the_server_at_the_callee_the_same_two_cities_call(name: str) -> None:
    found = places(experiment(name), "caller", "server")
    assert sorted(found) == sorted((caller, callee) for caller, callee, _ in drawn())


@pytest.mark.parametrize("name", [WITH_CALLEE, *OTHERS[:2]])
def test_every_scenario_has_direct_calls_beside_both_ways_over_two_and_three_hops(
    name: str,
) -> None:
    for quick, places_called in ((False, PLACES_DRAWN), (True, 2)):
        found = experiment(name, quick)
        kinds = [(point.method, point.to_dict()["hops"]) for point in found.points]
        assert {kind: kinds.count(kind) for kind in kinds} == dict.fromkeys(
            [("sip", None), ("mumble", None)]
            + [(method, hops) for method in ("v-tor", "m-tor") for hops in (2, 3)],
            places_called,
        )
        calls = len(found.points) * found.calls
        assert calls == (12 if quick else 120)


def test_what_stands_for_popular_apps_calls_the_same_way() -> None:
    for quick, calls in ((False, 60), (True, 6)):
        found, usual = experiment(APPS, quick), experiment(WITH_CALLEE, quick)
        assert {(point.method, point.to_dict()["hops"]) for point in found.points} == {
            ("webrtc", None),
            ("w-tor", 2),
            ("w-tor", 3),
        }
        assert len(found.points) * found.calls == calls
        assert (found.topology, found.seed) == (usual.topology, usual.seed)
        assert places(found, "caller", "server") == places(usual, "caller", "server")


@pytest.mark.parametrize("name", [WITH_CALLEE, *OTHERS, APPS])
def test_all_calls_meet_the_same_users_and_are_measured(name: str) -> None:
    loads = {
        tuple(point.to_dict()[key] for key in ("load_kind", "load_count", "load_through"))
        for each in (WITH_CALLEE, *OTHERS, APPS)
        for point in experiment(each).points
    }
    assert len(loads) == 1
    assert {kind for kind, *_ in loads} == {"background"}
    assert {point.to_dict()["available"] for point in experiment(name).points} == {"on"}


def test_only_scenario_three_hides_the_callee() -> None:
    hidden = {
        name: {
            point.to_dict()["anonymous"]
            for point in experiment(name).points
            if point.method in ("v-tor", "m-tor")
        }
        for name in (WITH_CALLEE, *OTHERS)
    }
    assert hidden.pop("scenario-3") == {"both"}
    assert all(who == {"caller"} for who in hidden.values())


def relays_of(name: str) -> dict[str, tuple[str | None, int | None, int | None]]:
    return {
        node_name: (node.place, node.bandwidth_rate, node.bandwidth_burst)
        for node_name, node in load_topology(find_topology(name)).nodes.items()
        if node.role == "relay"
    }


@pytest.mark.parametrize("name", ["world-busy-colocated", "world-busy-bridges"])
def test_the_busy_worlds_have_the_same_relays(name: str) -> None:
    busy = relays_of("world-busy")
    assert relays_of(name) == busy
    assert len({rate for _, rate, _ in busy.values()}) > 5
