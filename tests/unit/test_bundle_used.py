"""Bundles in the place of runs: report, export, measure and replay on them, and repeat them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from bundled_runs import EXPERIMENT, VERSIONS, bundled, make_run
from call_directory import call_notes, make_directory, measured
from click.testing import CliRunner
from simulated_calls import SimulatedCalls
from test_profile import both_ends

from lab import storage
from lab.bundles import make
from lab.bundles.layout import Artefacts
from lab.bundles.repeat import differences, repeated_run
from lab.bundles.verify import check_bundle
from lab.calls import measuring
from lab.cli import app
from lab.engine import client
from lab.errors import LabError
from lab.events import Listener, RunBegan
from lab.measure.call.notes import CallPlan
from lab.measure.record import CallRecord
from lab.store.database import Run, Store, open_store
from lab.sweep import run as sweep_run
from lab.sweep.ledger import ledger_of
from lab.sweep.place import side_by_side
from lab.sweep.plan import plan_from_json
from lab.sweep.runner import run_plan


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LAB_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    return tmp_path / "home"


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home of another user, who has called nobody yet."""
    monkeypatch.setenv("LAB_HOME", str(tmp_path / "elsewhere"))
    return tmp_path / "elsewhere"


def lab(*words: str | Path) -> Any:
    return CliRunner().invoke(app, [str(word) for word in words])


def test_a_report_on_a_bundle_is_that_of_its_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, calls = make_run(tmp_path)
    bundle = bundled(run, calls, tmp_path / "it.tar.gz").file
    before = bundle.read_bytes()
    own = lab("report", run.run_id).stdout
    exported = lab("export", run.run_id).stdout
    monkeypatch.setenv("LAB_HOME", str(tmp_path / "elsewhere"))
    assert lab("report", bundle).stdout == own
    there = lab("report", bundle, "--html")
    assert there.exit_code == 0, there.output
    assert {path.name for path in (tmp_path / "it-report").iterdir()} >= {"CITATION.cff"}
    portable = "\n".join(
        line.replace(f"{tmp_path}/home/results/", "") for line in exported.splitlines()
    )
    assert lab("export", bundle).stdout.splitlines() == portable.splitlines()
    assert lab("export", bundle, "--all").stdout.splitlines() == portable.splitlines()
    assert not (tmp_path / "elsewhere").exists(), "nothing of it is among the user's own results"
    assert bundle.read_bytes() == before


def test_what_is_no_bundle_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "it.tar.gz"
    file.write_text("no archive")
    for verb in ("report", "export", "measure", "replay"):
        refused = lab(verb, file)
        assert isinstance(refused.exception, LabError), verb
        assert str(file) in refused.exception.message
        assert "cannot be read as a tar archive" in refused.exception.message


@contextmanager
def here() -> Iterator[SimpleNamespace]:
    """Measures in this process."""

    def measure(directory: Path, opinions: Sequence[str] = ()) -> CallRecord:
        return measured(directory)

    yield SimpleNamespace(measure=measure)


@pytest.fixture
def measurable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, list[CallRecord]]:
    """A bundle of a run of two real calls, and what its store holds of them."""
    monkeypatch.setattr(measuring, "measuring", here)
    run, _ = make_run(tmp_path)
    run = replace(run, run_id="cliff-260101-130000")
    records = []
    for number, planned in enumerate(plan_from_json(run.plan).order[:2], 1):
        columns: dict[str, Any] = {"point_id": planned.point.point_id, "point_call": number}
        plan = CallPlan("sip", "PCMU", seed=3, run_id=run.run_id, columns=columns)
        notes = call_notes(plan=plan, call_id=f"20260101T00000{number}-real")
        directory = make_directory(storage.results_directory() / "calls", notes)
        records.append(measured(directory))
    with open_store() as store:
        store.add_run(run)
        for record in records:
            store.add_call(record)
    made = bundled(run, records, tmp_path / "it.tar.gz", artefacts=Artefacts.ALL)
    return made.file, records


def test_calls_of_a_bundle_are_measured_in_a_copy(
    measurable: tuple[Path, list[CallRecord]], elsewhere: Path
) -> None:
    bundle, records = measurable
    before = bundle.read_bytes()
    done = lab("measure", bundle, "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert [each["call_id"] for each in told] == [record.call_id for record in records]
    assert [each["changed"] for each in told] == [{}, {}]
    assert not any(each["stored"] for each in told)
    assert bundle.read_bytes() == before
    with open_store() as store:
        assert store.runs() == []
        assert store.calls() == []


def test_measuring_a_bundle_changes_nothing_of_ones_own(
    measurable: tuple[Path, list[CallRecord]],
) -> None:
    bundle, records = measurable
    with open_store() as store:
        store.replace_call(replace(records[0], caller_pesq_mos=1.0))
        mine = store.calls()
    (told, _) = json.loads(lab("measure", bundle, "--json").stdout)
    assert told["changed"] == {}, "it is compared with the bundle's own store"
    with open_store() as store:
        assert store.calls() == mine


def test_one_call_of_a_bundle_is_named_behind_a_colon(
    measurable: tuple[Path, list[CallRecord]], elsewhere: Path
) -> None:
    bundle, records = measurable
    (told,) = json.loads(lab("measure", f"{bundle}:{records[1].call_id}", "--json").stdout)
    assert told["call_id"] == records[1].call_id
    refused = lab("measure", f"{bundle}:20260101T000003-none")
    assert refused.exception.message == f"{bundle} holds no call 20260101T000003-none"
    several = lab("replay", bundle)
    assert "stands for 2 calls; name one of them" in several.exception.message
    assert f"{bundle}:CALL" in several.exception.hint


def test_a_call_of_a_bundle_is_replayed(
    measurable: tuple[Path, list[CallRecord]], elsewhere: Path, tmp_path: Path
) -> None:
    bundle, records = measurable
    done = lab("replay", f"{bundle}:{records[0].call_id}", "--playout", "fixed:60", "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["name"] == records[0].call_id
    assert [end["end"] for end in told["ends"]] == ["caller", "callee"]
    assert not elsewhere.exists(), "it only reads"


def test_a_bundle_without_calls_says_why_none_can_be_measured(tmp_path: Path) -> None:
    run, calls = make_run(tmp_path)
    bundle = bundled(run, calls, tmp_path / "it.tar.gz").file
    refused = lab("measure", bundle)
    assert refused.exception.message == (
        f"{bundle} holds no call's directory: no call's directory was asked for"
    )
    one = lab("measure", f"{bundle}:{calls[0].call_id}")
    assert f"the directory of call {calls[0].call_id} not" in one.exception.message


def test_a_run_is_repeated_by_its_own_plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, calls = make_run(tmp_path)
    made = bundled(run, calls, tmp_path / "it.tar.gz")
    monkeypatch.setenv("LAB_HOME", str(tmp_path / "elsewhere"))
    with open_store() as store:
        again, first = repeated_run(store, made.file, None)
    same = ("experiment", "seed", "definition", "topology", "quick", "paper_table")
    assert [getattr(again, name) for name in same] == [getattr(run, name) for name in same]
    assert plan_from_json(again.plan) == plan_from_json(run.plan)
    assert (again.repeats, again.bundle_sha256) == (run.run_id, made.sha256)
    assert again.run_id != run.run_id
    assert (again.versions, again.ended_at, again.lab) == ({}, None, "paper")
    assert first == run
    with open_store() as store:
        labs, _ = repeated_run(store, made.file, None, jobs=2)
        assert (labs.lab, labs.jobs) == (labs.run_id, 2)
        with pytest.raises(LabError, match="get their names from the run"):
            repeated_run(store, made.file, "mine", jobs=2)


def test_it_is_run_and_told_what_differs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, calls = make_run(tmp_path)
    made = bundled(run, calls, tmp_path / "it.tar.gz")
    monkeypatch.setenv("LAB_HOME", str(tmp_path / "elsewhere"))

    def go_on(_client: object, store: Store, run: Run, tell: Listener) -> None:
        store.add_run(run)
        now = {k: v for k, v in VERSIONS.items() if k != "tor"} | {"kernel": "6.9", "nginx": "1.22"}
        store.note_lab(run.run_id, now, lab_is_own=True)
        ledger = ledger_of(store, run)
        tell(RunBegan(run.run_id, ledger.made, ledger.still_wanted))
        with side_by_side([SimulatedCalls(run.run_id)]) as place:
            run_plan(ledger, place, store.add_call, lambda _: None)
        store.note_end(run.run_id, "2026-01-02T00:00:00.000+00:00")

    monkeypatch.setattr(client, "connect", lambda: None)
    monkeypatch.setattr(sweep_run, "go_on", go_on)
    done = lab("experiment", "run", "--from", made.file)
    assert done.exit_code == 0, done.output
    told = [line for line in done.stderr.splitlines() if line.startswith(("Differs", "Repeats"))]
    assert told == [
        f"Repeats run {run.run_id} of {made.file} (SHA-256 {made.sha256}).",
        "Differs: kernel is 6.9 here, and was 6.1.0 there.",
        "Differs: nginx is 1.22 here, and was not part of it there.",
        "Differs: tor was 0.4.9.11 there, and is not part of it here.",
    ]
    with open_store() as store:
        (stored,) = store.runs()
        assert (stored.repeats, stored.bundle_sha256) == (run.run_id, made.sha256)
        assert len(store.calls(stored.run_id)) >= 8
    assert (
        f"It repeats run {run.run_id} of the bundle {made.sha256} (SHA-256)."
        in lab("report", "last").stdout
    )


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"experiment": "../../x"}, "is refused: '../../x' cannot be a name"),
        ({"profile": "/etc/passwd"}, "is refused: its plan names /etc/passwd"),
        ({"profile": "profiles/../../x"}, "is refused: its plan names profiles/../../x"),
        ({"profile": "profiles/.."}, "is refused: its plan names profiles/.."),
        ({"topology": "name: nothing\n"}, "the topology in "),
    ],
)
def test_a_bundle_that_would_reach_beyond_itself_is_not_repeated(
    changes: dict[str, str], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Checksums do not hinder who makes a bundle of their own."""
    run, calls = make_run(tmp_path)
    if "profile" in changes:
        plan = json.loads(run.plan)
        plan["points"][0]["profile"] = changes["profile"]
        monkeypatch.setattr(make, "portable_run", lambda run: (run, {}))
        changes = {"plan": json.dumps(plan)}
    made = bundled(replace(run, **changes), calls, tmp_path / "it.tar.gz")  # type: ignore[arg-type]
    with open_store() as store, pytest.raises(LabError) as refused:
        repeated_run(store, made.file, None)
    assert told in str(refused.value)
    assert not (storage.results_directory() / "runs").exists()


def test_where_nothing_differs_nothing_is_listed() -> None:
    assert list(differences(VERSIONS, dict(VERSIONS))) == []


@pytest.mark.parametrize(
    "words", [(), ("table1", "--from", "it"), ("--from", "it", "--quick")], ids=" ".join
)
def test_it_is_either_a_file_or_a_bundle(words: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "it").touch()
    real = [str(tmp_path / word) if word == "it" else word for word in words]
    refused = lab("experiment", "run", *real)
    assert isinstance(refused.exception, LabError)


@pytest.fixture
def with_profiles(tmp_path: Path) -> Path:
    """A run through a call of the field; the directory of its profile."""
    field = tmp_path / "field"
    field.mkdir()
    caller, callee = both_ends(field)
    done = lab("profile", "make", caller, callee, "-o", field / "delhi.json")
    assert done.exit_code == 0, done.output
    return field


def through(profile: Path) -> str:
    """The experiment, by SIP and through one call of the field."""
    text = EXPERIMENT.replace("calls: 2", "calls: 4")
    return text.replace("[sip, v-tor]", f"[sip]\n  profile: [field/{profile.name}]")


def test_profiles_travel_with_the_run_and_are_where_its_repetition_finds_them(
    with_profiles: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = next(with_profiles.glob("delhi*"))
    run, calls = make_run(tmp_path, through(file))
    bundle = bundled(run, calls, tmp_path / "it.tar.gz").file
    assert check_bundle(bundle).mistakes == []
    content = file.read_bytes()
    file.unlink()
    monkeypatch.setenv("LAB_HOME", str(tmp_path / "elsewhere"))
    with open_store() as store:
        again, _ = repeated_run(store, bundle, None)
    own = storage.results_directory() / "runs" / again.run_id / "profiles" / file.name
    assert own.read_bytes() == content
    points = plan_from_json(again.plan).points
    assert {point.values["profile"] for point in points} == {str(own)}
    before = [point.point_id for point in plan_from_json(run.plan).points]
    assert [point.point_id for point in points] == before


def test_a_profile_that_is_gone_is_said_and_the_run_cannot_be_repeated(
    with_profiles: Path, tmp_path: Path
) -> None:
    file = next(with_profiles.glob("delhi*"))
    run, calls = make_run(tmp_path, through(file))
    file.unlink()
    made = bundled(run, calls, tmp_path / "it.tar.gz")
    assert made.contents.left_out == {f"profiles/{file.name}": "not there when it was packed"}
    assert check_bundle(made.file).mistakes == []
    with open_store() as store, pytest.raises(LabError, match="cannot be repeated: profiles/delhi"):
        repeated_run(store, made.file, None)
