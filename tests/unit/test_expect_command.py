"""`--expect` and `--junit` on the command line: what is printed, written, and the exit status."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from command_here import lab
from designed_runs import plan_of, run_of
from report_runs import call

from lab.cli import app
from lab.errors import LabError, UsageError
from lab.store.database import Run, Store, open_store
from lab.sweep.plan import plan_from_json
from lab.sweep.point import Point

POINTS = [Point("sip"), Point("vpn")]
RUN = run_of(plan_of(POINTS, "full"))
EXPERIMENT = """
name: test
topology: paper
calls: 2
grid:
  method: [sip]
  codec: [PCMU, PCMA]
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run of which SIP's calls have a PESQ of 4.4, and VPN's one of 4.0."""
    monkeypatch.setenv("LAB_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    with open_store() as store:
        store.add_run(RUN)
        for point, mos in zip(POINTS, (4.4, 4.0), strict=True):
            for number in (1, 2):
                store.add_call(replace(call(point, number, mos), run_id=RUN.run_id))
    return tmp_path / "home"


@pytest.fixture
def calling(home: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The runs that are gone on with: a call at each point, of PESQ 4.4, and no lab."""
    gone_on: list[str] = []

    def go_on(_client: object, store: Store, run: Run, _tell: object) -> None:
        gone_on.append(run.run_id)
        store.add_run(run)
        for point in plan_from_json(run.plan).points:
            store.add_call(
                replace(
                    call(point, 3, 4.4), run_id=run.run_id, call_id=f"{run.run_id}-{point.point_id}"
                )
            )

    monkeypatch.setattr("lab.sweep.run.go_on", go_on)
    monkeypatch.setattr("lab.engine.client.connect", lambda: None)
    return gone_on


@pytest.fixture
def experiment(tmp_path: Path) -> Path:
    file = tmp_path / "test.yaml"
    file.write_text(EXPERIMENT, encoding="utf-8")
    return file


def invoke(*words: str | Path) -> Result:
    return CliRunner().invoke(app, [*map(str, words)])


def test_a_report_ends_in_an_error_where_a_bound_is_not_met_after_all_is_printed_and_written(
    home: Path, tmp_path: Path
) -> None:
    words = ("--expect", "pesq>=4.2", "--expect", "pesq>=3.9 at method=vpn")
    file = tmp_path / "deep" / "junit.xml"
    result = invoke("report", "last", "--html", "--out", tmp_path, "--junit", file, *words)
    error = result.exception
    assert isinstance(error, LabError) and not isinstance(error, UsageError)
    assert error.message == "not met: pesq>=4.2"
    assert "pesq>=3.9 at method=vpn: met at its one point." in result.stdout
    assert "pesq&gt;=4.2" in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert file.read_text(encoding="utf-8").count("<failure") == 1


def test_a_report_as_json_has_them_and_ends_well_where_all_are_met(home: Path) -> None:
    result = invoke("report", "--json", "--expect", "pesq>=3.9", "--expect", "valid>=100%")
    assert result.exit_code == 0, result.output
    data: dict[str, Any] = json.loads(result.stdout)
    assert [item["met"] for item in data["expectations"]] == [True, True]
    assert [len(item["points"]) for item in data["expectations"]] == [2, 2]


def test_a_report_of_which_nothing_is_expected_says_nothing_of_it(home: Path) -> None:
    result = invoke("report", "--json")
    assert result.exit_code == 0, result.output
    assert "expectations" not in json.loads(result.stdout)


def test_of_the_fields_calls_nothing_can_be_expected(home: Path, tmp_path: Path) -> None:
    table = tmp_path / "calls.csv"
    table.write_text("x\n", encoding="utf-8")
    assert isinstance(invoke("report", table, "--expect", "pesq>=4").exception, UsageError)
    assert isinstance(invoke("report", table, "--junit", "x.xml").exception, UsageError)


@pytest.mark.parametrize("expected", ["pesk>=4", "pesq>=4 at load=40", "pesq>=4 at method=v-tor"])
def test_what_no_call_can_meet_is_told_before_any_call(
    calling: list[str], experiment: Path, expected: str
) -> None:
    for words in (("run", experiment), ("resume", "last")):
        result = invoke("experiment", *words, "--expect", expected)
        assert isinstance(result.exception, UsageError)
    assert calling == []


def test_a_run_prints_what_became_of_its_bounds(
    calling: list[str], experiment: Path, tmp_path: Path
) -> None:
    file = tmp_path / "junit.xml"
    met = invoke("experiment", "run", experiment, "--expect", "pesq>=4.2", "--junit", file)
    assert met.exit_code == 0, met.output
    assert "pesq>=4.2: met at all 2 points." in met.stdout
    assert "<failure" not in file.read_text(encoding="utf-8")
    missed = invoke("experiment", "run", experiment, "--expect", "pesq>=4.5 at codec=PCMA")
    error = missed.exception
    assert isinstance(error, LabError)
    assert error.message == "not met: pesq>=4.5 at codec=PCMA"
    assert "sip.PCMA.to-callee" in missed.stdout
    assert "4.40" in missed.stdout
    assert len(calling) == 2


def test_a_resumed_run_is_judged_by_all_its_calls(calling: list[str], home: Path) -> None:
    result = invoke("experiment", "resume", "last", "--expect", "p50 pesq>=4.4 at method=sip")
    assert result.exit_code == 0, result.output
    assert " 3 " in result.stdout
    assert calling == [RUN.run_id]


def test_a_run_of_which_nothing_is_expected_prints_nothing_on_stdout(
    calling: list[str], experiment: Path
) -> None:
    result = invoke("experiment", "run", experiment)
    assert result.exit_code == 0, result.output
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("expected", "status"), [("pesq>=3.9", 0), ("pesq>=4.2", 1), ("pesq>=4 at load=9", 2)]
)
def test_the_exit_status(home: Path, expected: str, status: int) -> None:
    done = lab("report", "--expect", expected)
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
