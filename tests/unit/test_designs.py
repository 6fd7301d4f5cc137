"""Designs: few points that still tell effects apart, and the corners beside them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import reduce
from itertools import combinations
from operator import xor

import numpy as np
import pytest

from lab.checkout import EXPERIMENTS
from lab.sweep.dimensions.codec import CODEC
from lab.sweep.dimensions.hops import HOPS
from lab.sweep.dimensions.load import LOAD_COUNT
from lab.sweep.dimensions.vad import VAD
from lab.sweep.experiment import (
    Experiment,
    ExperimentError,
    find_experiment,
    load_experiment,
    parse_experiment,
)
from lab.sweep.plan import make_plan, plan_from_json
from lab.sweep.point import Point, dimensions_of
from lab.sweep.two_level import GENERATORS, folded, fraction, plackett_burman
from lab.sweep.variants import changes_of, variant_of

FIELD = """
name: field
topology: world
seed: 5
calls: 2
design: full
grid:
  method: [v-tor]
  codec: [PCMU, GSM]
  hops: [3, 2]
  vad: ["off", "on"]
  load:
    - {kind: wget, count: [0, 6], through: tor}
  topology:
    vpn.nodelay: [true, false]
corners:
  study:
    codec: [SPEEX, GSM]
    phone: studies
    vad: usual
    vpn: {cipher: none, digest: none}
    topology:
      vpn.nodelay: false
      tor.nodelay: [none, all]
quick:
  corners:
    study:
      codec: SPEEX
      topology: {tor.nodelay: all}
"""
LETTERS = "ABCDEFGHJKL"


def parsed(text: str, quick: bool = False) -> Experiment:
    return parse_experiment(text, "field.yaml", EXPERIMENTS, quick)


def by(design: str, text: str = FIELD) -> Experiment:
    return parsed(text.replace("design: full", f"design: {design}"))


def mistakes_in(text: str) -> list[tuple[int | None, str, str]]:
    with pytest.raises(ExperimentError) as caught:
        parsed(text)
    return [(mistake.line, mistake.place, mistake.message) for mistake in caught.value.mistakes]


def resolution(generators: Sequence[str], factors: int) -> float:
    """The length of the shortest word of the defining relation: every product of generators."""
    free = factors - len(generators)
    words = [
        reduce(xor, (1 << LETTERS.index(letter) for letter in word), 1 << (free + number))
        for number, word in enumerate(generators)
    ]
    products = (
        reduce(xor, some)
        for count in range(1, 1 + len(words))
        for some in combinations(words, count)
    )
    return min((product.bit_count() for product in products), default=np.inf)


@pytest.mark.parametrize(
    ("factors", "rows"),
    [
        (1, 4),
        (3, 4),
        (4, 8),
        (8, 12),
        (11, 12),
        (12, 16),
        (16, 20),
        (19, 20),
        (23, 24),
        (24, 32),
        (511, 512),
    ],
)
def test_every_two_columns_of_a_screening_are_orthogonal_and_to_the_mean(
    factors: int, rows: int
) -> None:
    levels = plackett_burman(factors)
    assert levels.shape == (rows, factors)
    signs = np.column_stack([np.ones(rows, int), 1 - 2 * levels])
    assert np.array_equal(signs.T @ signs, rows * np.eye(factors + 1))
    assert not levels[0].any()


@pytest.mark.parametrize("factors", range(1, 24))
def test_a_folded_screening_has_no_interaction_of_two_in_a_main_effect(factors: int) -> None:
    signs = 1 - 2 * folded(factors)
    effects = np.column_stack([np.ones(len(signs), int), signs])
    assert np.array_equal(effects.T @ effects, len(signs) * np.eye(factors + 1))
    for one, two in combinations(range(factors), 2):
        assert not (signs.T @ (signs[:, one] * signs[:, two])).any()
    assert (signs[0] == 1).all()


@pytest.mark.parametrize("factors", range(1, 12))
def test_a_fraction_confounds_no_two_of_main_effects_and_interactions(factors: int) -> None:
    generators = GENERATORS.get(factors, ())
    assert resolution(generators, factors) >= 5
    levels = fraction(factors)
    assert levels.shape == (2 ** (factors - len(generators)), factors)
    signs = 1 - 2 * levels
    effects = [signs[:, [one]] for one in range(factors)]
    effects += [signs[:, [one]] * signs[:, [two]] for one, two in combinations(range(factors), 2)]
    model = np.hstack([np.ones_like(signs[:, [0]]), *effects])
    assert np.array_equal(model.T @ model, len(levels) * np.eye(model.shape[1]))
    assert not levels[0].any()


def test_the_words_of_a_fraction_are_what_its_columns_are_products_of() -> None:
    signs = 1 - 2 * fraction(8)
    assert np.array_equal(signs[:, 6], signs[:, [0, 1, 2, 3]].prod(axis=1))
    assert resolution(("ABC", "ACD"), 6) == 4


def test_full_is_what_is_meant_where_no_design_is_written() -> None:
    plain = parsed(FIELD.replace("design: full\n", ""))
    assert (plain.design, plain.points) == ("full", by("full").points)
    assert len(plain.points) - len(plain.beside) == 2**5


def test_one_at_a_time_changes_one_key_of_the_first_values() -> None:
    text = FIELD.replace("codec: [PCMU, GSM]", "codec: [PCMU, GSM, SPEEX]")
    first, *others = make_plan(by("one-at-a-time", text)).designed
    assert (first[CODEC], first[HOPS], first[VAD], first[LOAD_COUNT]) == ("PCMU", 3, None, 0)
    assert changes_of(first) == {"vpn.nodelay": True}
    differences = [key for other in others for key in changed(first, other)]
    keys = ["codec", "codec", "hops", "load", "topology.vpn.nodelay", "vad"]
    assert sorted(differences) == keys


def changed(one: Point, other: Point) -> list[str]:
    return [
        dimension.name
        for dimension in dimensions_of([one, other])
        if any(one[item] != other[item] for item in dimension.coordinates)
    ]


def test_two_level_designs_have_each_value_of_a_key_equally_often() -> None:
    for design, rows in (("screening", 8), ("folded", 16), ("interactions", 16)):
        plan = make_plan(by(design))
        assert len(plan.designed) == rows
        assert {point[LOAD_COUNT] for point in plan.designed} == {0, 6}
        assert sum(point[LOAD_COUNT] == 6 for point in plan.designed) == rows / 2
        assert sum(point[CODEC] == "GSM" for point in plan.designed) == rows / 2
        assert sum(changes_of(point)["vpn.nodelay"] for point in plan.designed) == rows / 2


def test_keys_that_vary_together_are_one_factor() -> None:
    together = FIELD.replace(
        "    vpn.nodelay: [true, false]\n",
        "    - {vpn.nodelay: true}\n    - {vpn.nodelay: false, tor.nodelay: all}\n",
    )
    plan = make_plan(by("screening", together))
    assert len(plan.designed) == 8
    assert {variant_of(point) for point in plan.designed} == {
        (("topology.vpn.nodelay", "true"),),
        (("topology.tor.nodelay", "all"), ("topology.vpn.nodelay", "false")),
    }


def test_a_sample_is_the_seeds_and_has_no_point_twice() -> None:
    sample = by("{sample: 10}")
    assert sample.design == "sample"
    designed = make_plan(sample).designed
    assert len(set(designed)) == len(designed) == 10
    assert designed == make_plan(by("{sample: 10}")).designed
    assert designed != make_plan(by("{sample: 10}", FIELD.replace("seed: 5", "seed: 6"))).designed
    assert set(designed) < set(by("full").points)


def test_a_sample_of_more_than_there_is_is_all() -> None:
    everything = make_plan(by("full")).designed
    assert set(make_plan(by("{sample: 1000}")).designed) == set(everything)


def test_a_sample_may_be_of_a_grid_that_is_too_large_to_call_at() -> None:
    counts = ", ".join(map(str, range(1, 202)))
    large = FIELD.replace("count: [0, 6]", f"count: [{counts}]").replace(
        "hops: [3, 2]", "hops: [2, 3, 4, 5, 6, 7, 8]"
    )
    assert len(make_plan(by("{sample: 30}", large)).designed) == 30
    assert "at most 5000" in mistakes_in(large)[0][2]


def test_a_sample_that_finds_too_few_that_differ_says_so() -> None:
    """Only two of the combinations do, for only OPUS has bit rates, and they are not all tried."""
    rates = ", ".join(f"{kbps}kbit" for kbps in range(6, 257))
    hollow = (
        "name: hollow\ndesign: {sample: 100}\ngrid:\n  method: [sip]\n  codec: [PCMU, GSM]\n"
        f"  bitrate: [{rates}]\n  hops: [usual, 2, 3, 4, 5, 6, 7, 8]\n  anonymous: [caller, both]\n"
    )
    (mistake,) = mistakes_in(hollow)
    assert mistake[:2] == (2, "design")
    assert "finds only 2 points that differ in 3000 draws of 8032 combinations" in mistake[2]


@pytest.mark.parametrize(
    ("old", "new", "line", "place", "message"),
    [
        ("full", "screning", 6, "design", "did you mean 'screening'?"),
        ("full", "{sample: 0}", 6, "design", "needs a number of points for sample, from 1 to 5000"),
        ("full", "sample", 6, "design", "is not one of full, one-at-a-time, "),
        ("full", "{screening: 3}", 6, "design", "{sample: N}"),
        (
            "full\ngrid:\n  method: [v-tor]\n  codec: [PCMU, GSM]",
            "screening\ngrid:\n  method: [v-tor]\n  codec: [PCMU, GSM, SPEEX]",
            9,
            "grid.codec",
            "has 3 values; design screening compares two of each key",
        ),
        (
            "full\ngrid:\n  method: [v-tor]",
            "interactions\ngrid:\n  method: [v-tor, sip]",
            10,
            "grid.hops",
            "makes no difference at sip.",
        ),
        (
            "full\ngrid:\n  method: [v-tor]\n  codec: [PCMU, GSM]",
            "screening\ngrid:\n  method: [v-tor]\n  playout: [usual, 'fixed:200']",
            9,
            "grid.playout",
            "makes no difference at v-tor.",
        ),
        (
            "full\ngrid:\n  method: [v-tor]\n  codec: [PCMU, GSM]",
            "interactions\ngrid:\n  method: [v-tor]\n  codec: [PCMU, OPUS]\n"
            "  playout: [usual, adaptive]",
            10,
            "grid.playout",
            "asks for what cannot be: the phone that speaks OPUS",
        ),
    ],
)
def test_a_mistake_in_a_design_is_told_with_its_line_and_place(
    old: str, new: str, line: int, place: str, message: str
) -> None:
    assert FIELD.count(old) == 1
    found = mistakes_in(FIELD.replace(old, new))[0]
    assert found[:2] == (line, place)
    assert message in found[2]


def test_a_design_needs_something_to_compare_and_not_too_much() -> None:
    alone = "name: lone\ndesign: screening\ngrid:\n  method: [sip]\n"
    assert mistakes_in(alone) == [(2, "design", "'screening' needs a key with two values")]
    relays = ["amsterdam", "frankfurt", "paris", "stockholm", "montreal", "tokyo", "singapore"]
    many = "".join(f"    nodes.{name}.bandwidth_rate: [1mbit, 2mbit]\n" for name in relays)
    text = FIELD.replace("full", "interactions").replace("corners:", f"{many}corners:", 1)
    assert mistakes_in(text) == [
        (6, "design", "'interactions' takes at most 11 keys with two values, and the grid has 12")
    ]


def test_a_quick_run_may_have_another_design() -> None:
    text = FIELD.replace("quick:\n", "quick:\n  design: screening\n")
    assert (parsed(text).design, parsed(text, quick=True).design) == ("full", "screening")
    (mistake,) = mistakes_in(text.replace("design: screening", "design: full\n  desing: full"))
    assert "did you mean 'design'?" in mistake[2]


def test_a_corner_has_every_combination_of_its_values_and_else_the_first_ones() -> None:
    experiment = by("screening")
    study = experiment.corners["study"]
    assert len(study) == 2 * 2
    assert {point[CODEC] for point in study} == {"SPEEX", "GSM"}
    assert {(point[HOPS], point[LOAD_COUNT], point[VAD]) for point in study} == {(3, 0, None)}
    assert [changes_of(point) for point in study[::2]] == [
        {"vpn.cipher": "none", "vpn.digest": "none", "vpn.nodelay": False, "tor.nodelay": nodelay}
        for nodelay in ("none", "all")
    ]
    assert experiment.points[-4:] == experiment.beside == study


def test_a_point_of_a_corner_that_the_design_has_is_one_point() -> None:
    text = FIELD[: FIELD.index("    codec: [SPEEX")] + "    hops: 2\n"
    plan = make_plan(by("one-at-a-time", text))
    assert plan.corners["study"] == tuple(point for point in plan.points if point[HOPS] == 2)
    assert (plan.beside, plan.designed) == ((), plan.points)


def test_a_quick_run_replaces_what_it_names_of_a_corner() -> None:
    (point,) = parsed(FIELD, quick=True).corners["study"]
    assert point[CODEC] == "SPEEX"
    assert changes_of(point)["tor.nodelay"] == "all"
    assert changes_of(point)["vpn.nodelay"] is False


def test_a_corner_may_say_what_varies_together() -> None:
    text = FIELD[: FIELD.index("    codec: [SPEEX")] + (
        "    topology:\n      - {tor.nodelay: all}\n      - {tor.nodelay: none, tor.hops: 2}\n"
    )
    assert [changes_of(point) for point in parsed(text).corners["study"]] == [
        {"vpn.nodelay": True, "tor.nodelay": "all"},
        {"vpn.nodelay": True, "tor.nodelay": "none", "tor.hops": 2},
    ]


@pytest.mark.parametrize(
    ("old", "new", "line", "place", "message"),
    [
        ("  study:\n    codec: [S", "  Study:\n    codec: [S", 17, "corners.Study", "cannot be"),
        ("[SPEEX, GSM]", "[SPEEX, GMS]", 18, "corners.study.codec[1]", "did you mean 'GSM'?"),
        ("phone: studies", "phone: study", 19, "corners.study.phone[0]", "is not one of"),
        ("phone: studies", "phon: studies", 19, "corners.study.phon", "did you mean 'phone'?"),
        ("vpn.nodelay: false", "vpn.nodelay: 7", 23, "", "must be true or false"),
        ("phone: studies", "load: {kind: wget}", 19, "corners.study.load[0]", "needs a `count`"),
        ("codec: [SPEEX, GSM]", "codec: OPUS", 19, "corners.study.phone", "the studies used pjsua"),
        ("      vpn.nodelay: false", "      vpn.cipher: none", 21, "corners.study.vpn", "too"),
        ("  corners:\n    study", "  corners:\n    stud", 27, "quick.corners.stud", "'study'"),
    ],
)
def test_a_mistake_in_a_corner_is_told_with_its_line_and_place(
    old: str, new: str, line: int, place: str, message: str
) -> None:
    assert FIELD.count(old) == 1
    found = mistakes_in(FIELD.replace(old, new))
    assert any(
        each[0] == line and place in (each[1], "") and message in each[2] for each in found
    ), found


def test_a_plan_keeps_design_and_corners_and_an_older_one_has_none() -> None:
    plan = make_plan(by("interactions"))
    again = plan_from_json(plan.to_json())
    assert again == plan
    assert again.design == "interactions"
    assert again.corners == by("interactions").corners
    assert len(again.designed) == 16
    data = json.loads(plan.to_json())
    older = {key: data[key] for key in ("calls", "fit", "precision_mos", "points", "order")}
    old = plan_from_json(json.dumps(older))
    assert (old.design, old.corners, old.designed) == ("full", {}, plan.points)


def test_settle_tells_all_interactions_apart_and_its_quick_run_all_main_effects() -> None:
    settle = load_experiment(find_experiment("settle"))
    assert len(make_plan(settle).designed) == 128
    quick = load_experiment(find_experiment("settle"), quick=True)
    assert (quick.design, len(make_plan(quick).designed), len(quick.points)) == (
        "folded",
        24,
        30,
    )
    assert set(quick.corners) == {"road", "choppy-pjsua", "choppy-opus", "undisturbed", "kamailio"}
    seconds = 45 * quick.calls * len(quick.points) + 26 * len(set(map(variant_of, quick.points)))
    assert seconds < 40 * 60


def test_advice_asks_for_each_change_by_itself() -> None:
    advice = load_experiment(find_experiment("advice"))
    assert (advice.design, len(advice.points)) == ("one-at-a-time", 14)
    seeds: dict[int, set[int]] = {}
    for planned in make_plan(advice).order:
        seeds.setdefault(planned.number, set()).add(planned.seed)
    assert all(len(some) == 1 for some in seeds.values())
    assert len(set.union(*seeds.values())) == len(seeds) == advice.calls_at_most
