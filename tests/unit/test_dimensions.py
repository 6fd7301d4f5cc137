"""A dimension is one value: this one has no module, and is everywhere.

And what holds of all: points that differ have different names, in plans and in reports.
"""

from __future__ import annotations

import csv
import io
import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import click
import pytest
import yaml
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from report_runs import text_of
from simulated_calls import SimulatedCalls

from lab.checkout import EXPERIMENTS
from lab.cli import app
from lab.cli.dimension_options import dimension_options, point_of
from lab.errors import LabError, UsageError
from lab.events import silent
from lab.lazy import Lazy
from lab.measure.record import COLUMNS
from lab.report.build import build_report
from lab.report.naming import curve_names, told_apart
from lab.store.database import Run, open_store
from lab.store.export import to_csv
from lab.sweep import conditions
from lab.sweep.asked import call_plan
from lab.sweep.dimension import Coordinate, Dimension, Option
from lab.sweep.dimensions import DIMENSIONS
from lab.sweep.dimensions.method import METHOD
from lab.sweep.experiment import ExperimentError, parse_experiment
from lab.sweep.grammar import experiment_schema
from lab.sweep.ledger import ledger_of
from lab.sweep.place import side_by_side
from lab.sweep.plan import make_plan, plan_from_json
from lab.sweep.point import Point, coordinates, dimensions_of
from lab.sweep.runner import run_plan
from lab.sweep.written import Key, one_of

WEATHER: Coordinate[str] = Coordinate("weather", "fair", words="in {} weather".format)


@contextmanager
def weather(scene: conditions.Scene) -> Iterator[None]:
    """Tells what it is like."""
    seen.append(scene.point[WEATHER])
    yield None


seen: list[str] = []
DIMENSION = Dimension(
    name="outside",
    description="What it is like outside.",
    position=55,
    turns=65,
    coordinates=(WEATHER,),
    written=Key(*one_of(lambda: ("fair", "rainy", "snowy"))),
    usual="fair",
    plan=lambda point: {"vbr": point[WEATHER] == "snowy"},
    around=Lazy(__name__, "weather"),
    option=Option("What it is to be like outside."),
    may_fit=True,
)
EXPERIMENT = """
name: climate
calls: 2
fit: [outside]
grid:
  method: [v-tor]
  direction: [to-caller]
  rate: [1mbit]
  outside: [fair, rainy]
  load:
    - {kind: wget, count: [5], through: direct}
"""
RAINY = "v-tor.PCMU.outside-rainy.to-caller.1mbit.server.q200.wget-5-direct"


OTHER: Coordinate[str | None] = Coordinate("until", None)
SAYS_THE_SAME = Dimension("until", "", 56, 66, (OTHER,), Key(str, dict), usual=None)


@pytest.fixture(autouse=True)
def outside() -> Iterator[None]:
    seen.clear()
    with DIMENSIONS.having(DIMENSION):
        yield


def run_of(text: str) -> Run:
    experiment = parse_experiment(text, "climate.yaml", EXPERIMENTS)
    return Run(
        run_id="climate-1",
        experiment="climate",
        started_at="2026-01-01T00:00:00+00:00",
        seed=1,
        definition=text,
        plan=make_plan(experiment).to_json(),
        topology="",
        lab="paper",
    )


def test_experiments_know_it() -> None:
    schema = experiment_schema()
    for grid in ("RawGrid", "RawQuickGrid"):
        described = schema["$defs"][grid]["properties"]["outside"]
        assert described["description"] == "What it is like outside."
    assert "outside" in schema["properties"]["fit"]["items"]["enum"]
    experiment = parse_experiment(EXPERIMENT, "climate.yaml", EXPERIMENTS)
    assert [point[WEATHER] for point in experiment.points] == ["fair", "rainy"]
    assert experiment.points[1].point_id == RAINY
    assert experiment.fit == ("weather",)
    with pytest.raises(ExperimentError) as caught:
        parse_experiment(EXPERIMENT.replace("rainy", "riany"), "climate.yaml", EXPERIMENTS)
    (mistake,) = caught.value.mistakes
    assert (mistake.line, mistake.place) == (9, "grid.outside[1]")
    assert mistake.message == "'riany' is not one of fair, rainy, snowy; did you mean 'rainy'?"


def test_a_single_call_can_choose_it() -> None:
    told = " ".join(CliRunner().invoke(app, ["call", "--help"]).output.split())
    assert "--outside [fair|rainy|snowy] What it is to be like outside." in told
    told = CliRunner().invoke(app, ["call", "sip", "--outside", "hot"]).output
    assert "'hot' is not one of fair, rainy, snowy" in told


def test_it_is_applied_to_the_lab_and_to_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def nothing(*_: Any, **__: Any) -> Iterator[None]:
        yield

    for name in (
        "link_helpers",
        "apply",
        "competing",
        "link_observer",
        "locate",
        "path_of_call",
        "entered",
    ):
        monkeypatch.setattr(conditions, name, nothing)
    point = Point("v-tor", weather="snowy")
    lab = cast(Any, SimpleNamespace(topology=None, caller=None))
    with conditions.conditions(lab, point, 1, silent) as observers:
        assert seen == ["snowy"]
        assert len(observers) == 1
    assert call_plan(point, seed=7).vbr is True
    assert call_plan(point.but(weather="fair"), seed=7).vbr is False


def test_a_run_stores_it_exports_it_and_tells_its_curves_apart(tmp_path: Path) -> None:
    run = run_of(EXPERIMENT)
    with open_store(tmp_path / "results.sqlite") as store:
        store.add_run(run)
        with side_by_side([SimulatedCalls(run.run_id)]) as place:
            run_plan(ledger_of(store, run), place, store.add_call, silent)
        assert ledger_of(store, store.run("climate-1")).still_wanted == 0
        calls = store.calls("climate-1")
    assert {call.asked["weather"] for call in calls} == {"fair", "rainy"}
    assert {call.asked["weather"] for call in calls if call.point_id == RAINY} == {"rainy"}
    rows = list(csv.DictReader(io.StringIO(to_csv(calls).decode())))
    assert {row["weather"] for row in rows} == {"fair", "rainy"}
    told = text_of(build_report(run, calls))
    assert "in fair weather: kbit/s, MOS-LQO, ms" in told
    assert "in rainy weather: kbit/s, MOS-LQO, ms" in told
    assert "A fit, chosen after seeing results: in fair weather and in rainy weather." in told


def test_a_run_that_varied_it_is_not_read_without_it() -> None:
    plan = make_plan(parse_experiment(EXPERIMENT, "climate.yaml", EXPERIMENTS)).to_json()
    assert plan_from_json(plan).points[1][WEATHER] == "rainy"
    with pytest.raises(LabError, match="varies 'weather', which this version"):
        _without_it(plan)


def _without_it(plan: str) -> None:
    before = DIMENSIONS._found
    DIMENSIONS._found = {name: each for name, each in (before or {}).items() if name != "outside"}
    try:
        plan_from_json(plan)
    finally:
        DIMENSIONS._found = before


def test_points_go_to_other_processes() -> None:
    point = Point("v-tor", weather="rainy", rate_kbps=1000)
    assert pickle.loads(pickle.dumps(point)) == point
    assert hash(pickle.loads(pickle.dumps(point))) == hash(point)
    assert Point("v-tor") == Point("v-tor", weather="fair") != point
    with pytest.raises(KeyError, match="whether"):
        Point("v-tor", whether="rainy")


def test_a_label_that_says_too_little_is_found_before_any_call() -> None:
    with DIMENSIONS.having(replace(SAYS_THE_SAME, label=lambda _: "some time")):
        experiment = parse_experiment(
            f"{EXPERIMENT.rstrip()}\n  until: [a, b]\n", "climate.yaml", EXPERIMENTS
        )
        with pytest.raises(ValueError, match="label does not tell its values apart"):
            make_plan(experiment)


def test_no_coordinate_has_the_name_of_another_or_of_a_measured_figure() -> None:
    every = coordinates(DIMENSIONS)
    assert len({coordinate.name for coordinate in every}) == len(every)
    own = {coordinate.name for coordinate in every if coordinate.note is None}
    assert own == {"weather"}
    assert not own & set(COLUMNS)


def written_values() -> dict[str, list[Any]]:
    """What the experiments that come with the lab write, by key of the grid."""
    values: dict[str, list[Any]] = {"ptime": ["20ms", "40ms"], "outside": ["fair", "rainy"]}
    for switch in ("available", "disjoint", "fec"):
        values[switch] = ["off", "on"]
    values["profile"] = ["none", "calls/one.json", "calls/two.json"]
    for path in sorted(EXPERIMENTS.glob("*.yaml")):
        content = yaml.safe_load(path.read_text())
        for grid in (content["grid"], content.get("quick", {}).get("grid", {})):
            for name, listed in grid.items():
                values.setdefault(name, [])
                values[name] += [value for value in listed if value not in values[name]]
    return values


def points() -> st.SearchStrategy[Point]:
    """Of any values that experiments write, of any dimension."""
    values = {dimension: written_values()[dimension.name] for dimension in DIMENSIONS}
    assert all(len(written) > 1 for written in values.values())
    meant = [
        st.sampled_from([each for written in listed for each in dimension.assignments(written)])
        for dimension, listed in values.items()
    ]
    return st.tuples(*meant).map(
        lambda chosen: Point(**{k: v for each in chosen for k, v in each.items()}).normalised()
    )


with DIMENSIONS.having(DIMENSION):
    POINTS = st.lists(points(), min_size=2, max_size=6, unique=True)


@given(POINTS)
def test_points_that_differ_have_different_names(some: list[Point]) -> None:
    assert len({point.point_id for point in some}) == len(some)
    assert len(set(curve_names(some))) == len(some)
    for point in some:
        assert Point(**cast(dict[str, Any], point.to_dict())) == point
    for told in ([], [METHOD], coordinates(dimensions_of(some))[:5]):
        names = told_apart(some, told)
        both = {
            (*(point[each] for each in told), name) for point, name in zip(some, names, strict=True)
        }
        assert len(both) == len(some)


def test_what_two_dimensions_say_alike_is_told_at_length() -> None:
    with DIMENSIONS.having(SAYS_THE_SAME):
        some = [Point("sip", duration_s=60), Point("sip", until="1m")]
        assert curve_names(some) == ["duration_s 60, until None", "duration_s None, until 1m"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--queue", "50"], "--queue needs --rate"),
        (["--queue", "0"], "must be from 1 to 100000"),
        (["--rate", "fast"], "'fast' is not a rate"),
        (["--codec", "MP3"], "'MP3' is not one of PCMU"),
        (["--bitrate", "64"], "PCMU has only one bit rate"),
        (["--codec", "opus", "--bitrate", "300"], "OPUS has no bit rate of 300 kbit/s"),
        (["--codec", "opus", "--playout", "adaptive:60"], "baresip, has no adaptive playout"),
        (["--playout", "elastic"], "is no playout buffer"),
        (["--duration", "3s"], "must be from 8s to 1h"),
        (["--load", "rain:5"], "no kind of load 'rain'"),
        (["--placement", "moon"], "'moon' is not one of server"),
        (["--available", "yes"], "'yes' is not one of off, on"),
        (["--hops", "9"], "must be from 2 to 8"),
    ],
)
def test_what_cannot_be_asked_of_a_call(options: list[str], said: str) -> None:
    with pytest.raises((UsageError, click.BadParameter), match=said):
        asked("v-tor", options)


def asked(method: str, words: list[str]) -> Point:
    given_words = dict(zip(words[::2], words[1::2], strict=True))
    chosen = []
    for option in dimension_options():
        word = given_words.get(option.opts[0], option.default)
        if word is not None:
            chosen.append(option.type.convert(word, option, None))
    return point_of(method, chosen)


def test_hops_are_those_of_a_circuit_and_nothing_to_a_call_without() -> None:
    assert asked("m-tor", ["--hops", "2"]).point_id == "m-tor.OPUS.2hops.to-caller"
    assert asked("sip", ["--hops", "2"]) == asked("sip", [])


def test_options_mean_what_experiments_write() -> None:
    words = "--codec opus --bitrate 24 --ptime 40 --duration 2m --playout fixed:60 --rate 2mbit"
    words += " --placement access --queue 50 --load wget:8 --direction to-caller"
    assert asked("m-tor", words.split()).point_id == (
        "m-tor.OPUS.24kbit.40ms.2m.fixed-60.to-caller.2mbit.access.q50.wget-8-direct"
    )
    assert asked("m-tor", []).point_id == "m-tor.OPUS.to-caller"
    assert asked("sip", ["--bitrate", "usual", "--ptime", "20ms"]) == asked("sip", [])
    with pytest.raises(UsageError, match="m-tor has no codec 'GSM'"):
        asked("m-tor", ["--codec", "GSM"])
