"""The database: what goes in comes out, once, and survives other versions of itself."""

from __future__ import annotations

import shutil
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field, fields, replace
from functools import partial
from pathlib import Path

import pytest
from simulated_calls import simulated

from lab.errors import LabError
from lab.measure.record import COLUMNS
from lab.store import reading
from lab.store.database import Run, open_store
from lab.store.reading import read_store
from lab.sweep.plan import PlannedCall
from lab.sweep.point import Point

POINT = Point("v-tor")
RUN = Run(
    run_id="cliff-1",
    experiment="cliff",
    started_at="2026-01-01T00:00:00+00:00",
    seed=1,
    definition="name: cliff",
    plan="{}",
    topology="name: paper",
    lab="paper",
    versions={"tor": "0.4.9"},
)


def test_a_call_comes_out_as_it_went_in(tmp_path: Path) -> None:
    record = simulated(PlannedCall(POINT, 1, seed=3), "cliff-1")
    record.versions = {"tor": "0.4.9"}
    record.invalid_reasons = ["the host's CPU 97 % > 95 %"]
    with open_store(tmp_path / "calls.sqlite") as store:
        store.add_call(record)
        assert store.calls("cliff-1") == [record]
        assert store.calls("another") == []


def test_what_was_not_measured_is_null(tmp_path: Path) -> None:
    file = tmp_path / "calls.sqlite"
    record = simulated(PlannedCall(POINT, 1, seed=3), "cliff-1")
    record.rtt_ms = None
    with open_store(file) as store:
        store.add_call(record)
    with sqlite3.connect(file) as connection:
        assert connection.execute("SELECT rtt_ms IS NULL FROM calls").fetchone() == (1,)


def test_a_planned_call_is_stored_once(tmp_path: Path) -> None:
    """By its id, and by its run, point and number: the one that came first stays."""
    record = simulated(PlannedCall(POINT, 1, seed=3), "cliff-1")
    other = simulated(PlannedCall(POINT, 1, seed=4), "cliff-2")
    with open_store(tmp_path / "calls.sqlite") as store:
        for each in (record, record, replace(record, call_id="another"), other):
            store.add_call(replace(each, call_id=f"{each.call_id}-{each.run_id}"))
        assert [call.call_id for call in store.calls()] == [
            f"{record.call_id}-cliff-1",
            f"{other.call_id}-cliff-2",
        ]
        single = replace(record, run_id=None, point_id=None, point_call=None)
        for call_id in ("one", "two"):
            store.add_call(replace(single, call_id=call_id))
        assert len(store.calls()) == 4


@dataclass(frozen=True, slots=True)
class SomeColumns:
    call_id: str
    valid: bool
    callee_pesq_mos: float | None
    rtt_ms: float | None
    invalid_reasons: list[str] = field(default_factory=list)


def test_some_columns_of_calls_are_what_their_records_have(tmp_path: Path) -> None:
    records = [simulated(PlannedCall(POINT, number, seed=number), "cliff-1") for number in (1, 2)]
    for record, second in zip(records, (2, 1), strict=True):
        record.started_at = f"2026-01-01T00:00:0{second}+00:00"
    records[0].rtt_ms, records[1].invalid_reasons = 1.5, ["too late"]
    other = simulated(PlannedCall(POINT, 3, seed=3), "another")
    single = replace(other, call_id="single", run_id=None, point_id=None, point_call=None)
    with open_store(tmp_path / "calls.sqlite") as store:
        for record in (*records, other, single):
            store.add_call(record)
        read = store.calls_as(SomeColumns, "cliff-1")
        assert [each.call_id for each in read] == [each.call_id for each in store.calls("cliff-1")]
        for each, record in zip(read, reversed(records), strict=True):
            for item in fields(SomeColumns):
                assert getattr(each, item.name) == getattr(record, item.name)
        assert [each.call_id for each in store.calls_as(SomeColumns, None)] == ["single"]
        newest = store.calls_as(SomeColumns, "cliff-1", newest=1)
        assert [each.call_id for each in newest] == [records[0].call_id]


def test_columns_that_a_database_lacks_are_read_as_unknown(tmp_path: Path) -> None:
    file = tmp_path / "calls.sqlite"
    with read_store(file) as store:
        assert store.calls_as(SomeColumns, "cliff-1") == []
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(
            "CREATE TABLE calls (call_id TEXT PRIMARY KEY, run_id TEXT, started_at TEXT)"
        )
        connection.execute("INSERT INTO calls VALUES ('one', 'cliff-1', '2026-01-01')")
    with read_store(file) as store:
        (call,) = store.calls_as(SomeColumns, "cliff-1")
    assert (call.call_id, call.callee_pesq_mos, call.invalid_reasons) == ("one", None, [])


def test_calls_outside_runs_have_no_plan(tmp_path: Path) -> None:
    """Those of `lab call`: as many as one likes."""
    with open_store(tmp_path / "calls.sqlite") as store:
        for number in (1, 2):
            record = simulated(PlannedCall(POINT, number, seed=3))
            record.run_id = record.point_id = record.point_call = None
            store.add_call(record)
        assert len(store.calls()) == 2


def test_runs_are_found_by_name_and_the_last_one_by_last(tmp_path: Path) -> None:
    later = replace(RUN, run_id="cliff-2", started_at="2026-01-02T00:00:00+00:00")
    with open_store(tmp_path / "calls.sqlite") as store:
        store.add_run(later)
        store.add_run(RUN)
        assert store.run("last") == later
        assert store.run("cliff-1") == RUN
        store.note_lab("cliff-1", {"tor": "0.4.10"}, lab_is_own=True)
        store.note_end("cliff-1", "2026-01-01T01:00:00+00:00")
        run = store.run("cliff-1")
        assert (run.versions, run.lab_is_own) == ({"tor": "0.4.10"}, True)
        assert run.ended_at == "2026-01-01T01:00:00+00:00"
        with pytest.raises(LabError, match="no run cliff-3") as caught:
            store.run("cliff-3")
        assert "cliff-1, cliff-2" in caught.value.hint


def test_columns_that_an_older_version_lacked_are_added(tmp_path: Path) -> None:
    file = tmp_path / "calls.sqlite"
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE calls (call_id TEXT PRIMARY KEY, method TEXT)")
        connection.execute("CREATE TABLE runs (run_id TEXT PRIMARY KEY, experiment TEXT)")
    with open_store(file) as store:
        store.add_run(RUN)
        assert store.runs() == [RUN]
    with sqlite3.connect(file) as connection:
        names = {row[1] for row in connection.execute("PRAGMA table_info(calls)")}
    assert names == set(COLUMNS)


def open_and_add(file: Path, number: int) -> None:
    with open_store(file) as store:
        store.add_call(simulated(PlannedCall(POINT, number, seed=3), "cliff-1"))


def test_commands_that_open_a_new_database_at_once_do_not_trip_each_other(tmp_path: Path) -> None:
    for attempt in range(5):
        file = tmp_path / f"calls-{attempt}.sqlite"
        with ThreadPoolExecutor(max_workers=8) as pool:
            list(pool.map(partial(open_and_add, file), range(1, 9)))
        with open_store(file) as store:
            assert len(store.calls("cliff-1")) == 8


def test_a_database_that_another_command_is_just_making_is_waited_for(tmp_path: Path) -> None:
    """SQLite itself says at once that it is locked, however long it was told to wait."""
    file = tmp_path / "calls.sqlite"
    held = threading.Event()

    def making() -> None:
        with closing(sqlite3.connect(file, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            held.set()
            time.sleep(0.3)
            connection.execute("ROLLBACK")

    other = threading.Thread(target=making)
    other.start()
    held.wait()
    open_and_add(file, 1)
    other.join()


def test_a_full_disk_is_one_sentence(tmp_path: Path) -> None:
    with (
        pytest.raises(LabError, match=r"cannot store results .* disk is full"),
        open_store(tmp_path / "calls.sqlite") as store,
    ):
        store._connection.execute("PRAGMA max_page_count=1")
        for number in range(1, 1000):
            store.add_call(simulated(PlannedCall(POINT, number, seed=3)))


def test_no_place_for_results_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(LabError, match="cannot open the results"),
        open_store(tmp_path / "file" / "calls.sqlite"),
    ):
        pass


def test_reading_makes_and_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "nowhere" / "calls.sqlite"
    with read_store(file) as store:
        assert (store.runs(), store.calls()) == ([], [])
    assert not file.parent.exists()
    with sqlite3.connect(tmp_path / "old.sqlite") as connection:
        connection.execute("CREATE TABLE calls (call_id TEXT PRIMARY KEY, method TEXT)")
        connection.execute("CREATE TABLE runs (run_id TEXT PRIMARY KEY, started_at TEXT)")
    before = (tmp_path / "old.sqlite").read_bytes()
    with read_store(tmp_path / "old.sqlite") as store:
        assert store.runs() == []
    assert (tmp_path / "old.sqlite").read_bytes() == before


@pytest.mark.parametrize("has_log", [True, False], ids=["with a log", "without"])
def test_results_can_be_read_where_nothing_can_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_log: bool
) -> None:
    """A read-only file system refuses the lock beside a log of writes."""
    record = simulated(PlannedCall(POINT, 1, seed=3), "cliff-1")
    source, file = tmp_path / "calls.sqlite", tmp_path / "ro" / "calls.sqlite"
    file.parent.mkdir()
    with open_store(source) as store:
        store.add_run(RUN)
        store.add_call(record)
        # Still open: what was written stands in the log alone.
        for part in tmp_path.glob("calls.sqlite*") if has_log else ():
            shutil.copy(part, file.parent)
    if not has_log:
        shutil.copy(source, file)
    assert file.with_name("calls.sqlite-wal").exists() == has_log
    file.with_name("calls.sqlite-shm").unlink(missing_ok=True)
    monkeypatch.setattr(reading, "_opened", lambda *_: None)
    with read_store(file) as store:
        assert store.run("last") == RUN
        assert store.calls("cliff-1") == [record]


def test_what_is_no_database_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "calls.sqlite").write_bytes(b"not a database" * 100)
    with (
        pytest.raises(LabError, match=r"cannot read the results in .*calls.sqlite"),
        read_store(tmp_path / "calls.sqlite"),
    ):
        pass


def test_what_was_asked_and_has_no_column_gets_one(tmp_path: Path) -> None:
    """Also when another command has added the same one meanwhile, and beside calls without it."""
    file = tmp_path / "calls.sqlite"
    records = [simulated(PlannedCall(POINT, number, seed=3), "cliff-1") for number in (1, 2, 3)]
    records[0].asked = {"weather": "rain", "topology.tor.circuit": "[a,b,c]"}
    records[2].asked = {"weather": "sun", "wind_kmh": 12}
    with open_store(file) as first, open_store(file) as second:
        first.add_call(records[0])
        second.add_call(records[1])
        first.add_call(records[2])
        assert second.calls() == records
    with sqlite3.connect(file) as connection:
        assert connection.execute(
            'SELECT weather, "topology.tor.circuit", wind_kmh FROM calls ORDER BY point_call'
        ).fetchall() == [("rain", "[a,b,c]", None), (None, None, None), ("sun", None, 12)]


def test_a_call_that_is_measured_anew_takes_the_place_of_what_was_stored(tmp_path: Path) -> None:
    record = simulated(PlannedCall(POINT, 1, seed=3), "cliff-1")
    record.asked = {"weather": "rain"}
    record.rtt_ms = 20.0
    again = replace(record, rtt_ms=None, callee_pesq_mos=1.0, asked={})
    with open_store(tmp_path / "calls.sqlite") as store:
        store.add_call(record)
        store.replace_call(again)
        assert store.calls() == [again]
        other = replace(again, call_id="another", point_call=2)
        store.replace_call(other)
        assert sorted(call.call_id for call in store.calls()) == sorted([again.call_id, "another"])
