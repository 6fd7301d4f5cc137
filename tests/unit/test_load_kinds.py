"""A kind of competing traffic is one value: this one has no module, and is everywhere."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from ipaddress import IPv4Network
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from click.testing import CliRunner
from report_runs import LINK, call, report_on, text_of
from simulated_calls import SimulatedCalls

from lab.checkout import EXPERIMENTS
from lab.cli import app
from lab.errors import LabError, UsageError
from lab.events import silent
from lab.lazy import Lazy
from lab.load.competing import competing
from lab.load.kind import LoadKind
from lab.load.kinds import LOAD_KINDS
from lab.load.needs import WEB_SERVER
from lab.load.notation import parse_load
from lab.load.spec import LoadSpec
from lab.report.build import build_report
from lab.store.database import Run, open_store
from lab.store.export import to_csv
from lab.sweep.experiment import ExperimentError, parse_experiment
from lab.sweep.grammar import experiment_schema
from lab.sweep.ledger import ledger_of
from lab.sweep.place import side_by_side
from lab.sweep.plan import make_plan
from lab.sweep.runner import run_plan
from lab.topology.load import find_topology, load_topology
from lab.topology.model import PbxKind, Topology
from lab.topology.resolve import resolve

had: list[LoadSpec] = []


@contextmanager
def pings(_lab: object, spec: LoadSpec, _tell: object) -> Iterator[str]:
    """Runs nothing."""
    had.append(spec)
    yield "running"


PING = LoadKind(
    name="ping",
    description="floods of pings",
    both_ways=True,
    position=99,
    run=Lazy(__name__, "pings"),
    needs=(WEB_SERVER,),
    most={"tor": 7},
    same_calls={"direct": "v-tor"},
)
EXPERIMENT = """
name: flood
grid:
  method: [v-tor]
  rate: [1mbit]
  load:
    - {kind: wget, count: [5], through: direct}
    - {kind: ping, count: [5], through: direct}
"""


@pytest.fixture(autouse=True)
def ping() -> Iterator[None]:
    had.clear()
    with LOAD_KINDS.having(PING):
        yield


def paper(**changes: Any) -> Topology:
    raw = load_topology(find_topology("paper"))
    return replace(resolve(raw, "lab", IPv4Network("10.0.0.0/16"), PbxKind.KAMAILIO), **changes)


def test_experiments_know_it() -> None:
    kind = experiment_schema()["$defs"]["RawLoad"]["properties"]["kind"]
    assert "ping" in kind["enum"]
    assert "ping: floods of pings, both ways at once" in kind["description"]
    points = parse_experiment(EXPERIMENT, "flood.yaml", EXPERIMENTS).points
    assert points[1].point_id == "v-tor.PCMU.to-callee.1mbit.server.q200.ping-5-direct"
    with pytest.raises(ExperimentError) as caught:
        parse_experiment(
            EXPERIMENT.replace("[5], through: direct}\n", "[5, 8]}\n"), "", EXPERIMENTS
        )
    (mistake,) = caught.value.mistakes
    assert (mistake.line, mistake.place) == (8, "grid.load[1].count[1]")
    assert mistake.message == "at most 7 ping can be had through Tor, not 8"


def test_the_command_line_knows_it() -> None:
    assert parse_load("ping:3:tor") == LoadSpec("ping", 3, "tor")
    with pytest.raises(UsageError, match="at most 7 ping"):
        parse_load("ping:8:tor")
    told = CliRunner().invoke(app, ["call", "--help"])
    assert "floods of pings, both ways at once" in " ".join(told.output.split())


def test_it_is_had_where_the_topology_can_carry_it() -> None:
    lab = cast(Any, SimpleNamespace(topology=paper()))
    with competing(lab, LoadSpec("ping", 3), silent) as load:
        assert cast(object, load) == "running"
    assert had == [LoadSpec("ping", 3)]
    without = tuple(node for node in paper().nodes if node.role != "web")
    lab.topology = paper(nodes=without)
    with (
        pytest.raises(LabError, match="paper cannot carry competing ping: it has no web server"),
        competing(lab, LoadSpec("ping", 3), silent),
    ):
        pass


def test_a_run_against_it_is_stored_exported_and_told_apart(tmp_path: Path) -> None:
    experiment = parse_experiment(EXPERIMENT, "flood.yaml", EXPERIMENTS)
    run = Run(
        run_id="flood-1",
        experiment="flood",
        started_at="2026-01-01T00:00:00+00:00",
        seed=1,
        definition=EXPERIMENT,
        plan=make_plan(experiment).to_json(),
        topology="",
        lab="paper",
    )
    with open_store(tmp_path / "results.sqlite") as store:
        store.add_run(run)
        with side_by_side([SimulatedCalls(run.run_id)]) as place:
            run_plan(ledger_of(store, run), place, store.add_call, silent)
        calls = store.calls(run.run_id)
    assert {(call.load_kind, call.load_count) for call in calls} == {("wget", 5), ("ping", 5)}
    rows = csv.DictReader(io.StringIO(to_csv(calls).decode()))
    assert {row["load_kind"] for row in rows} == {"wget", "ping"}
    told = text_of(build_report(run, calls))
    assert "wget: kbit/s, MOS-LQO, ms" in told
    assert "ping: kbit/s, MOS-LQO, ms" in told


def test_its_calls_are_words_in_reports_and_have_their_part_of_the_link() -> None:
    points = [
        LINK.but(load_kind=kind, load_count=5, load_through="direct") for kind in ("wget", "ping")
    ]
    calls = [call(point, rate_achieved_kbps=600.0) for point in points]
    report = report_on(points, calls, None)
    assert "calls against parallel downloads or uploads and floods of pings" in str(
        [section.title for section in report.sections]
    )
    # As V-Tor calls do, so each has its part of the link.
    wget, pings = (curve["steps"][0]["cost_kbps"]["estimate"] for curve in report.data["curves"])
    assert (wget, pings) == (None, 100.0)
