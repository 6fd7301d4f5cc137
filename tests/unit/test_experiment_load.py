"""Experiment files: what they mean, and how every mistake in them is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lab.checkout import EXPERIMENTS
from lab.errors import LabError
from lab.sweep.dimensions.codec import CODEC
from lab.sweep.dimensions.load import LOAD_COUNT
from lab.sweep.dimensions.placement import PLACEMENT
from lab.sweep.dimensions.playout import PLAYOUT
from lab.sweep.dimensions.queue import QUEUE
from lab.sweep.dimensions.rate import RATE
from lab.sweep.experiment import (
    Experiment,
    ExperimentError,
    find_experiment,
    load_experiment,
    parse_experiment,
)
from lab.sweep.grammar import experiment_schema

CLIFF = """
name: cliff
seed: 7
calls: 5
attempts: 2
grid:
  method: [v-tor, vpn]
  direction: [to-caller]
  rate: [uncapped, 10mbit]
  placement: [server, access]
  load:
    - {kind: none}
    - {kind: wget, count: [40, 80], through: direct}
quick:
  calls: 1
  grid:
    method: [v-tor]
    rate: [10mbit]
    placement: [server]
"""


def parsed(text: str, quick: bool = False) -> Experiment:
    return parse_experiment(text, "cliff.yaml", EXPERIMENTS, quick)


@pytest.mark.parametrize("path", sorted(EXPERIMENTS.glob("*.yaml")), ids=lambda path: path.stem)
@pytest.mark.parametrize("quick", [False, True])
def test_shipped_experiments_are_right(path: Path, quick: bool) -> None:
    experiment = load_experiment(path, quick)
    assert path.stem.startswith(experiment.name)
    assert experiment.points


def test_table1_calls_by_three_methods_through_both_tunnels() -> None:
    table1 = load_experiment(find_experiment("table1"))
    assert [point.point_id for point in table1.points] == [
        "sip.PCMU.to-callee",
        "vpn.PCMU.to-callee.AES-256-GCM-SHA1",
        "v-tor.PCMU.to-callee.AES-256-GCM-SHA1",
        "vpn.PCMU.to-callee.none-none",
        "v-tor.PCMU.to-callee.none-none",
    ]
    assert (table1.calls, load_experiment(find_experiment("table1"), quick=True).calls) == (10, 2)


def test_every_combination_is_a_point_and_no_two_points_are_alike() -> None:
    """Where there is no cap, it has no placement: four of the combinations are the same."""
    points = parsed(CLIFF).points
    capped = [point for point in points if point[RATE] == 10_000]
    uncapped = [point for point in points if point[RATE] is None]
    assert len(capped) == 2 * 2 * 3
    assert len(uncapped) == 2 * 3
    assert all(point[PLACEMENT] is None and point[QUEUE] is None for point in uncapped)
    assert len({point.point_id for point in points}) == len(points)


def test_a_point_names_all_that_matters_there() -> None:
    ids = {point.point_id for point in parsed(CLIFF).points}
    assert "v-tor.PCMU.to-caller.10mbit.server.q200.wget-80-direct" in ids
    assert "v-tor.PCMU.to-caller.10mbit.server.q200" in ids


def test_mumble_keeps_its_own_codec_beside_phones() -> None:
    text = CLIFF.replace("[v-tor, vpn]", "[v-tor, m-tor]").replace(
        "direction:", "codec: [PCMU, GSM]\n  direction:"
    )
    codecs = {(point.method, point[CODEC]) for point in parsed(text).points}
    assert codecs == {("v-tor", "PCMU"), ("v-tor", "GSM"), ("m-tor", "OPUS")}


def test_quick_replaces_lists_and_the_number_of_calls() -> None:
    quick = parsed(CLIFF, quick=True)
    assert quick.calls == 1
    assert quick.calls_at_most == 2
    assert [point[LOAD_COUNT] for point in quick.points] == [0, 40, 80]


@pytest.mark.parametrize(
    ("old", "new", "line", "place", "message"),
    [
        ("method: [v-tor, vpn]", "method: [v-tor, tin-can]", 7, "grid.method[1]", "not a method"),
        ("seed: 7", "seed: -7", 3, "seed", "must be at least 0, not -7"),
        ("seed: 7", "sed: 7", 3, "sed", "did you mean 'seed'?"),
        ("10mbit]\n  placement", "fast]\n  placement", 9, "grid.rate[1]", "is not a rate"),
        ("count: [40, 80], ", "", 13, "grid.load[1]", "wget needs a `count`"),
        ("kind: none", "kind: none, count: [3]", 12, "grid.load[0].count", "has no meaning"),
        ("seed: 7", "fit: [weather]", 3, "fit[0]", "'weather' is not one of"),
        ("kind: wget", "kind: rain", 13, "grid.load[1].kind", "'rain' is not one of"),
        ("  method: [v-tor, vpn]\n", "", 6, "grid.method", "is missing"),
        ("name: cliff", "name: Cliff", 2, "name", "'Cliff' cannot be a name"),
    ],
)
def test_a_mistake_is_told_with_its_line_and_place(
    old: str, new: str, line: int, place: str, message: str
) -> None:
    assert CLIFF.count(old) == 1
    with pytest.raises(ExperimentError) as caught:
        parsed(CLIFF.replace(old, new))
    mistake = caught.value.mistakes[0]
    assert (mistake.line, mistake.place) == (line, place)
    assert message in mistake.message
    assert str(caught.value).startswith("experiment cliff.yaml has 1 mistake:")


def test_the_shipped_schema_is_current_and_describes_every_key() -> None:
    """If this fails: `lab schema experiment > topologies/experiments/schema.json`."""
    schema = experiment_schema()
    assert json.loads((EXPERIMENTS / "schema.json").read_text()) == schema
    for model in (schema, *schema["$defs"].values()):
        assert model["additionalProperties"] is False
        assert all("description" in described for described in model["properties"].values())


def test_a_grid_that_explodes_is_refused() -> None:
    loads = ", ".join(str(count) for count in range(1, 1001))
    text = CLIFF.replace("[40, 80]", f"[{loads}]")
    with pytest.raises(ExperimentError, match=r"makes .* points; at most 5000"):
        parsed(text)


def test_what_is_not_there_is_told() -> None:
    with pytest.raises(LabError, match="did you mean 'table1'"):
        find_experiment("tabel1")
    with pytest.raises(ExperimentError, match="cannot be read: No such file"):
        load_experiment(Path("nowhere.yaml"))
    with pytest.raises(LabError, match="no topology 'papre'"):
        parsed(CLIFF.replace("seed: 7", "topology: papre"))


def test_bit_rate_and_packetisation_are_axes_for_the_codecs_that_have_them() -> None:
    text = (
        "name: rates\ngrid:\n  method: [sip]\n  codec: [OPUS, PCMU]\n"
        "  bitrate: [usual, 200kbit]\n  ptime: [20ms, 40ms]\n"
    )
    assert {point.point_id for point in parsed(text).points} == {
        "sip.OPUS.to-callee",
        "sip.OPUS.200kbit.to-callee",
        "sip.PCMU.to-callee",
        "sip.OPUS.40ms.to-callee",
        "sip.OPUS.200kbit.40ms.to-callee",
        "sip.PCMU.40ms.to-callee",
    }


def test_a_rate_that_the_codec_has_not_is_a_mistake_of_the_file() -> None:
    text = "name: rates\ngrid:\n  method: [sip]\n  codec: [OPUS]\n  bitrate: [800kbit]\n"
    with pytest.raises(ExperimentError, match="OPUS has no bit rate of 800 kbit/s"):
        parsed(text)


def test_playout_is_an_axis_for_the_programs_that_have_the_buffer() -> None:
    text = "name: a\ngrid: {method: [v-tor, m-tor], playout: [usual, fixed:200, adaptive:80]}\n"
    found = [(point.method, point[PLAYOUT]) for point in parsed(text).points]
    assert found == [
        ("v-tor", None),
        ("m-tor", None),
        ("v-tor", "adaptive:80"),
        ("m-tor", "adaptive:80"),
    ]
    assert "adaptive-80" in parsed(text).points[-1].point_id
    with pytest.raises(ExperimentError, match="OPUS, baresip, has no adaptive playout"):
        parsed(text.replace("grid: {", "grid: {codec: [OPUS], "))
    with pytest.raises(ExperimentError, match="is no playout buffer"):
        parsed(text.replace("adaptive:80", "elastic"))
