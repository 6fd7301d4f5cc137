"""Which relays a call crosses."""

from __future__ import annotations

from dataclasses import replace

import pytest
from test_tor_render import TOPOLOGY, node

from lab.errors import LabError, UsageError
from lab.lifecycle.plan import block_for, plan_lab
from lab.topology.load import find_topology, read_topology
from lab.topology.model import Topology, TorSettings
from lab.tor.paths import (
    choose_path,
    named_path,
    path_of_call,
    path_of_callee,
    paths_of_user,
    with_hops,
)


def planned(name: str) -> Topology:
    """A shipped topology, resolved."""
    source = read_topology(find_topology(name))
    return plan_lab(source, None, block_for(source.raw, ())).topology


RELAYS = ("r1", "r2", "r3", "r4")
FOUR = replace(TOPOLOGY, nodes=tuple(node(name, "relay", "10.77.1.9") for name in RELAYS))
WORLD = planned("world")
WEIGHTED = replace(
    FOUR,
    tor=replace(FOUR.tor, selection="bandwidth"),
    nodes=tuple(
        replace(node, bandwidth_rate_kbps=3_000 if node.name == "r1" else 1_000)
        for node in FOUR.nodes
    ),
)


def test_a_seed_gives_the_same_path_every_time() -> None:
    assert choose_path(FOUR, seed=7) == choose_path(FOUR, seed=7)


def test_seeds_reach_every_path_of_three() -> None:
    assert len({choose_path(FOUR, seed) for seed in range(500)}) == 4 * 3 * 2


@pytest.mark.parametrize("hops", [2, 3, 4])
def test_no_relay_is_crossed_twice(hops: int) -> None:
    for seed in range(50):
        path = choose_path(FOUR, seed, hops)
        assert len(path) == len(set(path)) == hops
        assert set(path) <= set(RELAYS)


def test_the_authority_carries_voice_only_where_there_are_too_few_others() -> None:
    nodes = (replace(FOUR.nodes[0], authority=True), *FOUR.nodes[1:])
    topology = replace(FOUR, nodes=nodes)
    paths = [choose_path(topology, seed) for seed in range(50)]
    assert {relay for path in paths for relay in path} == {"r2", "r3", "r4"}
    assert "r1" in choose_path(topology, seed=1, hops=4)


@pytest.mark.parametrize("hops", [1, 5])
def test_a_path_that_cannot_be_is_an_error(hops: int) -> None:
    with pytest.raises(LabError, match=f"no path of {hops} hops"):
        choose_path(FOUR, 1, hops)


def test_the_topologys_own_path_wins_over_the_seed() -> None:
    named = replace(FOUR, tor=TorSettings(30, ("r4", "r1")))
    assert path_of_call(named, seed=1) == ("r4", "r1")
    assert path_of_call(FOUR, seed=1) == choose_path(FOUR, seed=1)


@pytest.mark.parametrize(
    ("names", "complaint"),
    [
        (["r1", "caller"], "not a relay of topology two: caller"),
        (["r1"], "not a path: r1"),
        (["r1", "r2", "r1"], "not a path: r1, r2, r1"),
        ([], "not a path"),
    ],
)
def test_a_named_path_must_be_different_relays(names: list[str], complaint: str) -> None:
    with pytest.raises(LabError, match=complaint):
        named_path(FOUR, names)


def test_a_call_may_want_another_number_of_hops() -> None:
    assert len(path_of_call(with_hops(FOUR, 2), seed=1)) == 2
    assert len(path_of_call(with_hops(FOUR, None), seed=1)) == 3
    two = replace(FOUR, tor=replace(FOUR.tor, hops=2))
    assert len(path_of_call(two, seed=1)) == 2


@pytest.mark.parametrize(
    ("circuit", "hops", "complaint"),
    [
        (("r4", "r1"), 3, "fixes a circuit of 2 hops, not 3"),
        ((), 5, "has 4 relays, no circuit of 5 hops"),
    ],
)
def test_a_number_of_hops_that_cannot_be_is_an_error(
    circuit: tuple[str, ...], hops: int, complaint: str
) -> None:
    with pytest.raises(LabError, match=complaint):
        with_hops(replace(FOUR, tor=TorSettings(30, circuit)), hops)


@pytest.mark.parametrize(
    ("seed", "caller", "callee", "linked"),
    [
        (
            0,
            "los-angeles tokyo amsterdam",
            "paris frankfurt singapore",
            "los-angeles tokyo amsterdam paris new-york",
        ),
        (
            7,
            "montreal paris stockholm",
            "los-angeles amsterdam frankfurt",
            "montreal paris stockholm tokyo amsterdam",
        ),
    ],
)
def test_seeds_give_the_circuits_that_they_always_gave(
    seed: int, caller: str, callee: str, linked: str
) -> None:
    path = path_of_call(WORLD, seed)
    assert (path, path_of_callee(WORLD, path, seed)) == (
        tuple(caller.split()),
        tuple(callee.split()),
    )
    conflux = replace(WORLD, tor=replace(WORLD.tor, conflux="latency"))
    assert path_of_call(conflux, seed) == tuple(linked.split())


def share(paths: list[tuple[str, ...]], relay: str, hop: int) -> tuple[float, float]:
    """How often a relay is at a place of the paths, and the standard error of what was expected."""
    return sum(path[hop] == relay for path in paths) / len(paths), len(paths) ** -0.5 / 2


def test_a_relay_of_three_times_the_bandwidth_is_drawn_three_times_as_often() -> None:
    """Exit first: r1 is it in three cases of six, and each of the others in one."""
    paths = [choose_path(WEIGHTED, seed) for seed in range(4000)]
    for relay, expected in {"r1": 3 / 6, "r2": 1 / 6, "r3": 1 / 6, "r4": 1 / 6}.items():
        found, error = share(paths, relay, -1)
        assert found == pytest.approx(expected, abs=4 * error)
    # Guard next: where r1 is left, with three parts of five.
    found, error = share(paths, "r1", 0)
    assert found == pytest.approx(3 / 6 * 3 / 5, abs=4 * error)
    # And the middle: where it is still left, with three of four.
    found, error = share(paths, "r1", 1)
    assert found == pytest.approx(3 / 6 * 2 / 5 * 3 / 4, abs=4 * error)
    assert all(len(set(path)) == 3 for path in paths)
    assert paths[:50] == [choose_path(WEIGHTED, seed) for seed in range(50)]


def test_the_callee_and_a_conflux_set_choose_by_bandwidth_as_well() -> None:
    busy = replace(WORLD, tor=replace(WORLD.tor, selection="bandwidth"))
    rates = {"frankfurt": 30_000}
    nodes = tuple(
        replace(node, bandwidth_rate_kbps=rates.get(node.name, 5_000)) for node in busy.nodes
    )
    busy = replace(busy, nodes=nodes)
    caller = ("tokyo", "singapore", "montreal")
    callees = [path_of_callee(busy, caller, seed) for seed in range(2000)]
    found, error = share(callees, "frankfurt", -1)
    assert found == pytest.approx(30 / (30 + 5 * 5), abs=4 * error)
    assert all(len(set(path)) == 3 and not set(path) & set(caller) for path in callees)
    conflux = replace(busy, tor=replace(busy.tor, conflux="latency"))
    sets = [path_of_call(conflux, seed) for seed in range(2000)]
    found, error = share(sets, "frankfurt", -1)
    assert found == pytest.approx(30 / (30 + 8 * 5), abs=4 * error)
    assert all(len(set(path)) == 5 for path in sets)
    few = path_of_callee(WEIGHTED, ("r1", "r2", "r3"), seed=1)
    assert len(set(few)) == 3
    assert "r4" in few


def test_a_relay_weighs_what_it_may_relay_or_what_its_slowest_link_takes() -> None:
    tokyo = WORLD.node("tokyo")
    assert tokyo.bandwidth_kbps == 100_000
    assert replace(tokyo, bandwidth_rate_kbps=2_000).bandwidth_kbps == 2_000
    unknown = replace(WEIGHTED, nodes=FOUR.nodes)
    with pytest.raises(LabError, match="relay r1 of topology two has no bandwidth"):
        choose_path(unknown, seed=1)


def test_who_wants_relays_weighed_says_what_each_weighs() -> None:
    unknown = {"tor.selection": "bandwidth", "nodes.tokyo.links.world.rate": None}
    with pytest.raises(UsageError, match=r"tor\.selection: needs a bandwidth of 'tokyo'"):
        read_topology(find_topology("world"), unknown)
    raw = read_topology(find_topology("world"), {"tor.selection": "bandwidth"}).raw
    assert raw.tor.selection == "bandwidth"


def test_users_of_the_background_have_circuits_of_their_own() -> None:
    paths = {user: paths_of_user(WORLD, WORLD.node("client"), 3, user, 8) for user in range(4)}
    assert paths == {user: paths_of_user(WORLD, WORLD.node("client"), 3, user, 8) for user in paths}
    every = [path for user in paths.values() for path in user]
    assert all(len(set(path)) == 3 and "authority" not in path for path in every)
    assert len(set(every)) > 20
    assert paths_of_user(WORLD, WORLD.node("client"), 4, 0, 8) != paths[0]
    bridged = replace(WORLD.node("client"), bridges=("harbour",))
    assert {path[0] for path in paths_of_user(WORLD, bridged, 3, 0, 8)} == {"harbour"}
