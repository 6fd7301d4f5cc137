"""Any key of the topology is a dimension: validated, applied, stored and told apart."""

from __future__ import annotations

import io
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_runs import call, report_on, text_of
from simulated_calls import simulated

from lab.checkout import EXPERIMENTS
from lab.events import silent
from lab.store.database import open_store
from lab.store.export import to_parquet
from lab.sweep import lab_executor
from lab.sweep.experiment import (
    Experiment,
    ExperimentError,
    find_experiment,
    load_experiment,
    parse_experiment,
)
from lab.sweep.lab_executor import LabExecutor
from lab.sweep.plan import PlannedCall, make_plan, plan_from_json
from lab.sweep.point import Point
from lab.sweep.variants import changes_of
from lab.topology.load import find_topology, parse_topology
from lab.topology.variant import value_from, value_text, varied

RELAYS = ("authority", "relay1", "relay2")
SERVER, LINK = "server", "office"
DELAY = f"nodes.{SERVER}.links.{LINK}.delay"
FAR = f"""
name: far
fit: [topology]
calls: 2
grid:
  method: [v-tor]
  topology:
    vpn.cipher: [AES-256-GCM, none]
    tor.circuit: [[{", ".join(RELAYS)}], []]
    {DELAY}: [0ms, 50ms]
"""
PAPER = find_topology("paper").read_text()


def parsed(text: str) -> Experiment:
    return parse_experiment(text, "far.yaml", EXPERIMENTS)


def test_every_combination_is_a_point_that_says_its_topology() -> None:
    experiment = parsed(FAR)
    assert len(experiment.points) == 2 * 2 * 2
    ids = [point.point_id for point in experiment.points]
    assert len(set(ids)) == 8
    assert ids[0] == (
        f"v-tor.PCMU.to-callee.{DELAY}=0ms.tor.circuit=[{','.join(RELAYS)}].vpn.cipher=AES-256-GCM"
    )
    last = changes_of(experiment.points[-1])
    assert last == {"vpn.cipher": "none", "tor.circuit": [], DELAY: "50ms"}
    raw = parse_topology(varied(PAPER, last))
    assert (raw.vpn.cipher, raw.tor.circuit) == ("none", [])
    link = raw.nodes[SERVER].links[LINK]
    assert link is not None
    assert link.delay_ms == 50.0
    assert experiment.fit == (f"topology.{DELAY}", "topology.tor.circuit", "topology.vpn.cipher")


def test_points_of_one_topology_stay_together_and_survive_being_stored() -> None:
    plan = make_plan(parsed(FAR.replace("[v-tor]", "[v-tor, vpn]")))
    assert plan_from_json(plan.to_json()) == plan
    first = [changes_of(planned.point) for planned in plan.order[: 16 * 2]]
    assert sum(a != b for a, b in pairwise(first)) == 7


@pytest.mark.parametrize(
    ("old", "new", "line", "place", "message"),
    [
        ("vpn.cipher", "vpn.ciphre", 8, "grid.topology.'vpn.ciphre'", "did you mean 'cipher'?"),
        ("AES-256-GCM", "AES 256", 8, "grid.topology.'vpn.cipher'[0]", "'AES 256' cannot stand"),
        ("50ms", "far", 10, f"grid.topology.'{DELAY}'[1]", "'far' is not a delay"),
        (SERVER, "sevrer", 10, "", "there is no 'sevrer' among the nodes; did you"),
        (RELAYS[0], "relay9", 9, "", "spoils the topology: tor.circuit[0]: there is no node"),
        ("tor.circuit", "name.circuit", 9, "", "holds no keys"),
        ("vpn.cipher: [AES-256-GCM, none]", "vpn.cipher: []", 8, "", "must not be empty"),
        ("topology:\n", "topolgy:\n", 7, "grid.topolgy", "did you mean 'topology'?"),
        (
            "  method",
            "  vpn: [{cipher: none}]\n  method",
            6,
            "grid.vpn",
            "changes vpn.cipher, which grid.topology.vpn.cipher changes too",
        ),
    ],
)
def test_a_value_that_the_topology_cannot_have_is_told_before_the_run(
    old: str, new: str, line: int, place: str, message: str
) -> None:
    with pytest.raises(ExperimentError) as caught:
        parsed(FAR.replace(old, new))
    mistake = caught.value.mistakes[0]
    assert message in mistake.message
    assert mistake.line == line
    assert place in (mistake.place, "")


def test_values_that_only_together_spoil_a_topology_are_told(tmp_path: Path) -> None:
    spare = {"role": "relay", "links": {LINK: {}}}
    free = varied(PAPER, {"tor.circuit": [], "nodes.relay3": spare})
    (tmp_path / "free.yaml").write_text(free)
    text = """
name: lone
topology: ./free.yaml
grid:
  method: [sip]
  topology:
    tor.circuit: [[], [relay1, relay3]]
    nodes.relay3.role: [relay, router]
"""
    with pytest.raises(ExperimentError) as caught:
        parse_experiment(text, "lone.yaml", tmp_path)
    (mistake,) = caught.value.mistakes
    assert mistake.place == "grid"
    together = "with nodes.relay3.role router, tor.circuit [relay1,relay3]"
    assert together in mistake.message
    assert "a circuit goes over relays" in mistake.message


def test_the_lab_is_rendered_anew_for_another_topology(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB_HOME", str(tmp_path))
    came: list[tuple[str, str]] = []
    up: list[Path] = []
    lab = SimpleNamespace(name="paper", stopped=())
    monkeypatch.setattr(lab_executor, "find_labs", lambda *_: [lab] if up else [])
    monkeypatch.setattr(lab_executor, "open_lab", lambda *_: None)
    monkeypatch.setattr(lab_executor, "component_versions", lambda _: {})

    def take_down(*_: Any) -> None:
        up.clear()
        came.append(("down", ""))

    def bring_up(_client: Any, file: str, *_: Any) -> None:
        up.append(Path(file))
        came.append(("up", parse_topology(Path(file).read_text()).vpn.cipher))

    monkeypatch.setattr(lab_executor, "up", bring_up)
    monkeypatch.setattr(lab_executor, "down", take_down)
    executor = LabExecutor(cast(Any, None), "paper", "far-1", PAPER, lab_is_own=True)
    plain = Point("sip")
    for point in (plain, plain.but(**{"topology.vpn.cipher": "none"}), plain):
        executor.prepare(point, silent)
    assert came == [
        ("up", "AES-256-GCM"),
        ("down", ""),
        ("up", "none"),
        ("down", ""),
        ("up", "AES-256-GCM"),
    ]


def test_what_was_asked_is_stored_exported_and_tells_curves_apart(tmp_path: Path) -> None:
    text = FAR.replace("  topology:", "  rate: [1mbit]\n  topology:")
    points = parsed(text).points
    records = [simulated(PlannedCall(point, 1, seed=n), "far-1") for n, point in enumerate(points)]
    with open_store(tmp_path / "results.sqlite") as store:
        for record in records:
            store.add_call(record)
        calls = store.calls("far-1")
    assert calls == sorted(records, key=lambda record: record.call_id)
    assert {call.asked["topology.vpn.cipher"] for call in calls} == {"AES-256-GCM", "none"}
    table = pq.read_table(io.BytesIO(to_parquet(calls)))
    assert set(table.column(f"topology.{DELAY}").to_pylist()) == {"0ms", "50ms"}
    told = text_of(report_on(points, [call(point) for point in points], None))
    assert f"{DELAY} 50ms, tor.circuit [], vpn.cipher none: kbit/s" in told
    assert told.count(": kbit/s, MOS-LQO, ms") == 8


def test_calls_alone_are_told_apart_too() -> None:
    points = parsed(FAR).points
    report = report_on(points, [call(point) for point in points], 1)
    names = [row["codec"] for row in report.data["table1"]["quality"]]
    assert len(set(names)) == 8
    assert f"PCMU, {DELAY} 50ms, tor.circuit [], vpn.cipher none" in names


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text("ab1.:-/%[]{},# \"'~n\\", max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("ab1", min_size=1), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(VALUES)
def test_a_value_survives_as_text(value: Any) -> None:
    text = value_text(value)
    assert "\n" not in text
    assert value_from(text) == value
    assert value_text(value_from(text)) == text


def test_values_read_as_they_are_written_in_a_topology() -> None:
    written = [["relay1", "relay2"], "50ms", 1194, True, None, "1001", "10.20.0.0/24", {"a": []}]
    assert [value_text(value) for value in written] == [
        "[relay1,relay2]",
        "50ms",
        "1194",
        "true",
        "null",
        '"1001"',
        "10.20.0.0/24",
        "{a: []}",
    ]


TOGETHER = """
name: far
grid:
  method: [vpn, v-tor]
  vpn: [{cipher: none, digest: none}, {cipher: AES-256-GCM}]
  topology:
    - {nodes.caller.place: Frankfurt, nodes.callee.place: London}
    - {nodes.caller.place: Bangalore, nodes.callee.place: New York}
    - {nodes.caller.place: Tokyo}
"""
PAIRS = [("Frankfurt", "London"), ("Bangalore", "New York"), ("Tokyo", None)]


def test_keys_in_a_list_of_mappings_vary_together_and_with_all_else() -> None:
    points = parsed(TOGETHER).points
    assert len(points) == 2 * 2 * len(PAIRS)
    changes = [changes_of(point) for point in points]
    ends = [(each["nodes.caller.place"], each.get("nodes.callee.place")) for each in changes]
    assert list(dict.fromkeys(ends)) == PAIRS
    assert all("vpn.cipher" in each for each in changes)
    plan = make_plan(parsed(TOGETHER))
    assert plan_from_json(plan.to_json()) == plan


@pytest.mark.parametrize(
    ("old", "new", "place", "message"),
    [
        ("Frankfurt", "Frankfrt", "grid.topology[0]", "did you mean Frankfurt?"),
        ("nodes.callee", "nodes.calee", "grid.topology", "did you mean 'callee'?"),
        ("{nodes.caller.place: Tokyo}", "{}", "grid.topology[2]", "must not be empty"),
        ("{nodes.caller.place: Tokyo}", "3", "grid.topology[2]", "must be a mapping"),
        ("caller.place: Tokyo", "caller.place: Tokyo, vpn.cipher: none", "grid.vpn", "too"),
    ],
)
def test_a_mapping_that_cannot_be_is_told_with_its_place(
    old: str, new: str, place: str, message: str
) -> None:
    with pytest.raises(ExperimentError) as caught:
        parsed(TOGETHER.replace(old, new))
    told = caught.value.mistakes
    assert any(message in mistake.message for mistake in told)
    assert all(mistake.place.startswith(place) for mistake in told)


def test_the_shipped_pairs_of_places_are_three_and_not_nine() -> None:
    distance = load_experiment(find_experiment("distance"))
    pairs = {tuple(sorted(changes_of(point).items())) for point in distance.points}
    assert (len(pairs), len(distance.points), distance.calls) == (3, 3 * 5, 10)
    quick = load_experiment(find_experiment("distance"), quick=True)
    assert (len(quick.points), quick.calls) == (5, 2)
