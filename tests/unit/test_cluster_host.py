"""What a host keeps, what travels, and what is refused: no dask, no Docker."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from simulated_calls import simulated
from stand_in_cluster import StandInHost

from lab import storage
from lab.cluster.alike import about_here, difference
from lab.cluster.calibration import calibrated_hosts, calibration_of
from lab.cluster.host import Host, LabProcess
from lab.cluster.hosts import HostView, doubt
from lab.cluster.travel import MARK, Order, Run, forget_files, packed, unpacked
from lab.cluster.worker import Work, usual_name
from lab.errors import LabError
from lab.events import Listener, silent
from lab.measure.record import CallRecord
from lab.store.database import Run as StoredRun
from lab.store.database import open_store
from lab.sweep.experiment import find_experiment, load_experiment
from lab.sweep.outbox import CallName, Outbox
from lab.sweep.plan import CALIBRATION, PlannedCall, make_plan
from lab.sweep.point import Point
from lab.topology.names import is_name

POINT = Point("sip")
PLANNED = PlannedCall(POINT, 1, 7)
NAME = CallName("run-1", POINT.point_id, 1)
RUN = Run("run-1", "", POINT, "mark", stay=False)


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_HOME", str(tmp_path / "submitter"))


@pytest.fixture
def made(tmp_path: Path) -> CallRecord:
    """A call with files, as another host has made it."""
    record = simulated(PLANNED, "run-1")
    directory = tmp_path / "host" / record.call_id
    directory.mkdir(parents=True)
    (directory / "call.json").write_text("{}")
    (directory / "caller.pcap").write_bytes(b"\0" * 1000)
    return replace(record, artefacts=str(directory), asked={"colour": "red"})


def test_a_finished_call_is_kept_until_it_is_forgotten(tmp_path: Path, made: CallRecord) -> None:
    outbox = Outbox(tmp_path / "outbox")
    assert outbox.get(NAME) is None
    outbox.put(NAME, made)
    outbox.put(replace(NAME, run_id="other"), made)
    assert outbox.get(NAME) == made
    assert [*outbox.names("run-1")] == [NAME]
    outbox.forget(NAME)
    outbox.forget(NAME)
    assert [name.run_id for name in outbox.names()] == ["other"]


def test_half_a_file_is_no_call(tmp_path: Path, made: CallRecord) -> None:
    outbox = Outbox(tmp_path / "outbox")
    outbox.put(NAME, made)
    [file] = outbox.directory.glob("*.json")
    file.rename(file.with_suffix(".half"))
    assert outbox.get(NAME) is None
    assert [*outbox.names()] == []


def test_files_come_back_as_one_archive_and_leave_the_host(made: CallRecord) -> None:
    there = Path(made.artefacts or "")
    delivery = packed(made, RUN, "far", None)
    record = unpacked(delivery)
    here = storage.call_directory(made.call_id)
    assert record == replace(made, artefacts=str(here))
    assert (here / "caller.pcap").read_bytes() == (there / "caller.pcap").read_bytes()
    assert {path.name for path in here.parent.iterdir()} == {made.call_id}
    assert unpacked(delivery) == record
    forget_files(made, RUN)
    assert not there.exists()


def test_files_stay_where_that_is_asked(made: CallRecord) -> None:
    run = replace(RUN, stay=True)
    delivery = packed(made, run, "far", None)
    assert delivery.archive is None
    assert unpacked(delivery).artefacts == f"far:{made.artefacts}"
    forget_files(made, run)
    assert Path(made.artefacts or "").is_dir()


def test_a_host_that_sees_the_results_sends_no_files(made: CallRecord) -> None:
    directory = storage.run_directory("run-1")
    directory.mkdir(parents=True)
    (directory / MARK).write_text("another mark")
    assert packed(made, RUN, "near", None).archive is not None
    (directory / MARK).write_text("mark")
    assert unpacked(packed(made, RUN, "near", None)) == made
    forget_files(made, RUN)
    assert Path(made.artefacts or "").is_dir()


def test_what_is_asked_twice_at_once_is_made_once(tmp_path: Path) -> None:
    host = StandInHost("one", tmp_path, labs=2, gate=threading.Event())
    assert host.gate is not None
    order = Order(RUN, PLANNED)
    askers = [threading.Thread(target=host.host.make, args=(order, silent)) for _ in range(2)]
    for asker in askers:
        asker.start()
    threading.Timer(0.1, host.gate.set).start()
    for asker in askers:
        asker.join()
    assert host.made == [PLANNED]


def test_a_lab_that_is_being_brought_up_is_ended_with_its_run(tmp_path: Path) -> None:
    """Else it would come up for nobody."""
    ended, begun = threading.Event(), threading.Event()

    class Slow:
        def versions(self, _tell: Listener) -> dict[str, str]:
            begun.set()
            assert ended.wait(30)
            raise LabError("the process has ended")

        def execute(self, planned: PlannedCall, tell: Listener) -> CallRecord:
            raise AssertionError((planned, tell))

    @contextmanager
    def open_lab(_lab: str, _run: Run) -> Iterator[LabProcess]:
        yield Slow()
        ended.set()

    host = Host("one", ["one-1"], Outbox(tmp_path), open_lab)
    making = threading.Thread(target=host.make, args=(Order(RUN, PLANNED), silent))
    making.start()
    assert begun.wait(30)
    host.end_run(RUN.run_id)
    making.join(30)
    assert ended.is_set() and not making.is_alive()


def test_a_lab_that_failed_is_brought_up_anew(tmp_path: Path) -> None:
    host = StandInHost("one", tmp_path, trouble=LabError("no Docker", "Start it."))
    assert host.host.make(Order(RUN, PLANNED), silent).trouble == ("no Docker", "Start it.")
    host.trouble = None
    assert host.host.make(Order(RUN, PLANNED), silent).record is not None


def test_a_host_is_doubted_when_others_do_better() -> None:
    bad, good = (HostView(name, name, name, 1, calibrated=True) for name in ("bad", "good"))
    valid = simulated(PLANNED)
    valid.status, valid.valid = "ok", True
    invalid, failed = replace(valid, valid=False), replace(valid, status="failed", valid=False)
    for record in (valid, *[invalid] * 3, *[failed] * 5):
        bad.enter(record)
    good.enter(valid)
    assert doubt(bad, [bad, good]) is None
    bad.enter(invalid)
    assert doubt(bad, [bad, good]) is not None
    for _ in range(4):
        good.enter(invalid)
    assert doubt(bad, [bad, good]) is None


def test_what_differs_is_named() -> None:
    here = about_here()
    assert difference(here, here) is None
    older = {**here, "lab": "0.0.9 (00000000)"}
    assert difference(older, here) == f"runs lab 0.0.9 (00000000), and here is {here['lab']}"
    assert "Python of an unknown version" in (
        difference({key: here[key] for key in ("lab", "distributed")}, here) or ""
    )


def test_the_calibration_call_is_short_direct_and_in_the_topology_of_the_first_point() -> None:
    experiment = load_experiment(find_experiment("versions"))
    plan = make_plan(experiment)
    topology = experiment.topology.read_text()
    run = StoredRun("run-1", "versions", "", 1, "", plan.to_json(), topology, "lab")
    planned = calibration_of(run, plan)
    first = plan.order[0].point
    assert (planned.number, planned.point.method) == (CALIBRATION, "sip")
    assert planned.point.values["duration_s"] == 10
    assert "load_kind" not in planned.point.values
    shared = planned.point.values.keys() & first.values.keys() - {"method"}
    assert shared
    assert all(planned.point.values[name] == first.values[name] for name in shared)


def test_a_valid_calibration_is_found_again(tmp_path: Path) -> None:
    record = replace(simulated(PLANNED), run_id=None, point_id=None, point_call=None, status="ok")
    with open_store(tmp_path / "calls.sqlite") as store:
        for number, (host, run_id, valid) in enumerate(
            [("one", "run-1", True), ("two", "run-1", False), ("three", "run-2", True)]
        ):
            store.add_call(
                replace(record, call_id=str(number), host=host, calibrates=run_id, valid=valid)
            )
        assert calibrated_hosts(store, "run-1") == {"one"}
        assert store.calls("run-1") == []


def test_names_of_workers_and_their_labs_can_be_names(monkeypatch: pytest.MonkeyPatch) -> None:
    for node in ("Host_7.example.org", "7", "a" * 60, "x-"):
        monkeypatch.setattr("platform.node", lambda node=node: node)
        labs = Work("", usual_name(), 9, "", 0).lab_names
        assert len(set(labs)) == 9
        assert all(map(is_name, labs)), labs
