"""`lab measure`: from ids, runs, directories and archives to rows, without a lab."""

from __future__ import annotations

import json
import shutil
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from call_directory import call_notes, make_directory, measured
from click.testing import CliRunner, Result

from lab.calls import measuring
from lab.cli.measure import command
from lab.errors import LabError
from lab.measure.call.notes import FILE, CallPlan
from lab.measure.call.opinions import ask
from lab.measure.opinion import Opinion
from lab.measure.opinions import visqol
from lab.measure.record import CallRecord
from lab.store.database import Run, open_store
from lab.wire.plain import Scalar

RUN = Run(
    run_id="cliff-1", experiment="cliff", started_at="2026-01-01T00:00:00+00:00", seed=1,
    definition="", plan="{}", topology="", lab="paper",
)  # fmt: skip


@contextmanager
def here() -> Iterator[SimpleNamespace]:
    """Measures in this process; that another one does the same, `test_make_call` shows."""

    def measure(directory: Path, opinions: Sequence[str] = ()) -> CallRecord:
        ask(directory, opinions)
        return measured(directory)

    yield SimpleNamespace(measure=measure)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Results of one run of one call, as `lab experiment` leaves them."""
    monkeypatch.setenv("LAB_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    monkeypatch.setattr(measuring, "measuring", here)
    columns: dict[str, Scalar] = {
        "point_id": "sip.PCMU.to-callee",
        "point_call": 1,
        "topology.tor.x": "7s",
    }
    notes = call_notes(plan=CallPlan("sip", "PCMU", seed=3, run_id="cliff-1", columns=columns))
    directory = make_directory(tmp_path / "home" / "results" / "calls", notes)
    with open_store() as store:
        store.add_run(RUN)
        store.add_call(measured(directory))
    return tmp_path / "home"


def directory_in(home: Path) -> Path:
    return home / "results" / "calls" / "20260101T000000-sip"


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(command, [str(word) for word in words])


def told(*words: str | Path) -> list[dict[str, Any]]:
    result = run("--json", *words)
    assert result.exit_code == 0, result.output
    found: list[dict[str, Any]] = json.loads(result.stdout)
    return found


def stored() -> list[CallRecord]:
    with open_store() as store:
        return store.calls()


@pytest.mark.parametrize("word", ["20260101T000000-sip", "cliff-1", "last"])
def test_the_same_program_measures_the_same_row(word: str, home: Path) -> None:
    (before,) = stored()
    (again,) = told(word)
    assert (again["stored"], again["changed"]) == (True, {})
    assert stored() == [before]
    assert before.asked == {"topology.tor.x": "7s"}


def test_another_opinion_takes_the_place_of_the_row_and_leaves_its_identity(home: Path) -> None:
    (before,) = stored()
    with open_store() as store:
        store.replace_call(replace(before, caller_pesq_mos=1.0, setup_ms=None))
    (again,) = told("cliff-1")
    assert again["changed"] == {
        "setup_ms": [None, before.setup_ms],
        "caller_pesq_mos": [1.0, before.caller_pesq_mos],
    }
    assert stored() == [before]
    identity = (before.call_id, before.run_id, before.point_id, before.point_call)
    assert identity == ("20260101T000000-sip", "cliff-1", "sip.PCMU.to-callee", 1)
    assert "setup_ms" not in run("cliff-1").output, "nothing more to change"


def test_calls_from_elsewhere_are_measured_and_not_stored(home: Path, tmp_path: Path) -> None:
    (mine,) = stored()
    other = make_directory(tmp_path / "usb", call_notes("mumble"))
    archive = tmp_path / "both.tar.xz"
    with tarfile.open(archive, "w:xz") as packed:
        packed.add(other, f"calls/{other.name}")
        packed.add(directory_in(home), f"calls/{mine.call_id}")
    unpacked, known = told(archive)
    assert unpacked["record"]["artefacts"] == known["record"]["artefacts"] == str(archive)
    assert (unpacked["stored"], unpacked["record"]["method"]) == (False, "mumble")
    assert (known["stored"], list(known["changed"])) == (True, ["artefacts"])
    assert [call.call_id for call in stored()] == [mine.call_id]
    (again,) = told(other)
    assert again["record"] | {"artefacts": ""} == unpacked["record"] | {"artefacts": ""}


def test_results_that_moved_are_found_where_they_are_now(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.move(home, tmp_path / "moved")
    monkeypatch.setenv("LAB_HOME", str(tmp_path / "moved"))
    (again,) = told("last")
    assert list(again["changed"]) == ["artefacts"]
    assert again["record"]["artefacts"] == str(directory_in(tmp_path / "moved"))


def test_what_cannot_be_measured_is_said_and_the_others_are_measured(
    home: Path, tmp_path: Path
) -> None:
    old = make_directory(tmp_path / "old", call_notes("mumble"))
    (old / FILE).unlink()
    result = run("--json", old, "cliff-1")
    assert result.exit_code == 1
    refused, measured = json.loads(result.stdout)
    assert refused == {
        "call_id": old.name,
        "error": f"call {old.name} cannot be measured again: it was made by an earlier version, "
        "which kept no call.json",
    }
    assert measured["changed"] == {}


@pytest.mark.parametrize(
    ("word", "said"),
    [("nothing-7", "there is no call, run, directory or archive nothing-7"), ("x.tar", "no tar")],
)
def test_what_names_no_call_is_refused(word: str, said: str, home: Path, tmp_path: Path) -> None:
    (tmp_path / "x.tar").write_text("no archive")
    path = tmp_path / word
    result = run(path if path.exists() else word)
    assert isinstance(result.exception, LabError)
    assert said.replace("no tar", "cannot be read as a tar archive") in result.exception.message


def test_opinions_are_added_to_calls_that_were_made_without(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(visqol, "rate", lambda pair: 4.0 + len(pair.heard) / 1e9)
    monkeypatch.setitem(vars(visqol.OPINION), "lacking", ())
    monkeypatch.setattr(Opinion, "version", "1.0")
    (again,) = told("last", "--opinion", "visqol")
    assert {"caller_visqol", "callee_visqol", "visqol_ceiling", "versions"} <= set(again["changed"])
    assert again["changed"]["caller_visqol"][0] is None
    (kept,) = stored()
    assert kept.to_dict()["caller_visqol"] == again["record"]["caller_visqol"] > 4.0
    (later,) = told("last")
    assert later["changed"] == {}, "they are read from the call's own files"


def test_an_opinion_that_comes_by_itself_is_not_asked_for(home: Path) -> None:
    result = run("last", "--opinion", "pesq")
    assert result.exit_code == 2
    assert "PESQ comes with every call" in result.output
