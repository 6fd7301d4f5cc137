"""What an older version left: its database opens, reads, reports, exports and goes on.

`older/results.sql` is a database as commit d84e71c wrote it, with two runs and a call outside any:
`cliff`, complete, and `every-key`, which varies everything there was to vary and is not.
"""

from __future__ import annotations

import csv
import io
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import MISSING, Field, fields
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from report_runs import text_of
from simulated_calls import SimulatedCalls

from lab.checkout import EXPERIMENTS
from lab.cli.experiment import command as experiment_command
from lab.events import silent
from lab.measure.record import COLUMNS, CallRecord
from lab.report.build import build_report
from lab.store.database import CALL_COLUMNS, Store, open_store
from lab.store.export import to_csv, to_parquet
from lab.sweep.experiment import load_experiment
from lab.sweep.ledger import ledger_of
from lab.sweep.place import side_by_side
from lab.sweep.plan import make_plan, plan_from_json
from lab.sweep.runner import run_plan

OLDER = Path(__file__).parent / "older"
CLIFF, EVERY_KEY = "cliff-260101-120000", "every-key-260101-120001"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of the lab in which an older version has called."""
    monkeypatch.setenv("LAB_HOME", str(tmp_path))
    (tmp_path / "results").mkdir()
    with sqlite3.connect(tmp_path / "results" / "results.sqlite") as connection:
        connection.executescript((OLDER / "results.sql").read_text())
    return tmp_path


@pytest.fixture
def store(home: Path) -> Iterator[Store]:
    with open_store() as opened:
        yield opened


def test_every_call_is_read_with_what_it_was(store: Store) -> None:
    calls = store.calls(EVERY_KEY)
    outcomes = Counter((call.status, call.valid) for call in calls)
    assert outcomes == {("ok", True): 4, ("ok", False): 1, ("failed", False): 1}
    (failed,) = [call for call in calls if call.status == "failed"]
    assert (failed.reason, failed.callee_owd_ms_p50) == ("the dice say so", None)
    assert all(call.versions == {"lab": "0.9.0", "tor": "0.4.9.2"} for call in calls)
    assert {(call.cipher, call.digest) for call in calls} == {("AES-256-GCM", "SHA1")}
    assert all(call.asked == {} for call in store.calls())
    (alone,) = [call for call in store.calls() if call.run_id is None]
    assert (alone.method, alone.codec, alone.point_id) == ("sip", "GSM", None)


def test_points_have_the_names_under_which_their_calls_are_stored(store: Store) -> None:
    for run in store.runs():
        named = {point.point_id for point in plan_from_json(run.plan).points}
        assert {call.point_id for call in store.calls(run.run_id)} <= named
        assert plan_from_json(plan_from_json(run.plan).to_json()) == plan_from_json(run.plan)
    names = [point.point_id for point in plan_from_json(store.run(EVERY_KEY).plan).points]
    first = "v-tor.OPUS.24kbit.40ms.2m.fixed-60.to-caller.2mbit.access.q50"
    assert names[0] == f"{first}.AES-256-GCM-SHA1"
    assert f"{first}.voip-5-tor.AES-256-CBC-SHA512" in names


def test_the_runs_are_listed(home: Path) -> None:
    told = CliRunner().invoke(experiment_command, ["list", "--json"])
    assert told.exit_code == 0
    assert '"still_wanted": 7' in told.output
    assert CLIFF in told.output


def test_a_run_goes_on_with_the_calls_it_lacks(store: Store) -> None:
    run = store.run(EVERY_KEY)
    ledger = ledger_of(store, run)
    assert (ledger.made, ledger.still_wanted) == (6, 7)
    executor = SimulatedCalls(run.run_id)
    with side_by_side([executor]) as place:
        run_plan(ledger, place, store.add_call, silent)
    last = "v-tor.OPUS.24kbit.40ms.2m.fixed-60.to-caller.2mbit.access.q50"
    first = executor.asked[0]
    assert first.point.point_id == f"{last}.wget-8-direct.AES-256-CBC-SHA512"
    assert ledger_of(store, run).still_wanted == 0
    assert len(store.calls(EVERY_KEY)) == 6 + len(executor.asked)
    assert ledger_of(store, store.run(CLIFF)).still_wanted == 0


def test_both_runs_are_reported(store: Store) -> None:
    cliff, every_key = (store.run(run_id) for run_id in (CLIFF, EVERY_KEY))
    told = text_of(build_report(cliff, store.calls(CLIFF)))
    assert "10mbit, cap at server, queue of 200" in told
    assert "7 valid, 1 invalid and 1 failed calls" in told
    told = text_of(build_report(every_key, store.calls(EVERY_KEY)))
    assert "v-tor beside m-tor" in told
    assert "cap at access, queue of 50, AES-256-GCM, AES-256-CBC" in told


def test_the_calls_are_exported(store: Store) -> None:
    calls = store.calls(EVERY_KEY)
    rows = list(csv.DictReader(io.StringIO(to_csv(calls).decode())))
    assert tuple(rows[0]) == COLUMNS
    assert {row["digest"] for row in rows} == {"SHA1"}
    assert pq.read_table(io.BytesIO(to_parquet(calls))).num_rows == 6


def test_rows_older_than_a_column_have_its_default(home: Path) -> None:
    """Every column was new once, also those that hold JSON or are never null."""
    later = [item for item in fields(CallRecord) if item.name in CALL_COLUMNS and _default(item)]
    with sqlite3.connect(home / "results" / "results.sqlite") as connection:
        connection.execute("DROP INDEX planned_calls")
        had = {name for _, name, *_ in connection.execute("PRAGMA table_info(calls)")}
        for item in later:
            if item.name not in had:
                continue
            connection.execute(f'ALTER TABLE calls DROP COLUMN "{item.name}"')
    with open_store() as store:
        (call, *_) = store.calls()
    assert len(later) > 100
    assert {item.name: getattr(call, item.name) for item in later} == {
        item.name: default() for item in later if (default := _default(item))
    }


def _default(item: Field[Any]) -> Callable[[], Any] | None:
    if item.default is not MISSING:
        return lambda: item.default
    return None if item.default_factory is MISSING else item.default_factory


def test_a_seed_still_means_the_same_calls_in_the_same_order() -> None:
    """`older/plans.txt` is of commit d84e71c; a new experiment needs no line there.

    But for table1, which has a second tunnel since.
    """
    for line in (OLDER / "plans.txt").read_text().splitlines():
        name, made = line.split(": ")
        stem, *quick = name.split()
        plan = make_plan(load_experiment(EXPERIMENTS / f"{stem}.yaml", bool(quick)))
        order = [f"{call.point.point_id} {call.number} {call.seed}" for call in plan.order]
        digest = sha256("\n".join(order).encode()).hexdigest()[:16]
        assert f"{len(plan.points)} points, {digest}" == made, name
