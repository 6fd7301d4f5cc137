"""Which relays a call crosses."""

from __future__ import annotations

from dataclasses import replace

import pytest
from test_tor_render import TOPOLOGY, node

from lab.errors import LabError
from lab.topology.model import TorSettings
from lab.tor.paths import choose_path, named_path, path_of_call

RELAYS = ("r1", "r2", "r3", "r4")
FOUR = replace(TOPOLOGY, nodes=tuple(node(name, "relay", "10.77.1.9") for name in RELAYS))


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
