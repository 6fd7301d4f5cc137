"""A call that an earlier version made and stored, measured by this one: it gets the new columns.

`older/call.json` is what commit 5504c1a wrote of a call: before bursts, opinions and ledgers.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from call_directory import call_notes, make_directory, measured
from click.testing import CliRunner

from lab.calls import measuring
from lab.cli.measure import command
from lab.measure.call.notes import FILE
from lab.measure.call.opinions import ask
from lab.measure.opinions import plcmos, visqol
from lab.measure.record import CallRecord
from lab.store.database import open_store

OLDER = Path(__file__).parent / "older"


@contextmanager
def here() -> Iterator[SimpleNamespace]:
    def measure(directory: Path, opinions: Sequence[str] = ()) -> CallRecord:
        ask(directory, opinions)
        return measured(directory)

    yield SimpleNamespace(measure=measure)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A database as of commit d84e71c, and with it the files of one of its calls."""
    monkeypatch.setenv("LAB_HOME", str(tmp_path))
    monkeypatch.setattr(measuring, "measuring", here)
    calls = tmp_path / "results" / "calls"
    calls.mkdir(parents=True)
    with sqlite3.connect(tmp_path / "results" / "results.sqlite") as connection:
        connection.executescript((OLDER / "results.sql").read_text())
        (name,) = connection.execute("SELECT call_id FROM calls WHERE run_id IS NULL").fetchone()
    directory = make_directory(calls, call_notes(call_id=name))
    older = json.loads((OLDER / "call.json").read_text()) | {"call_id": name}
    (directory / FILE).write_text(json.dumps(older))
    return directory


def again(*words: str) -> dict[str, Any]:
    result = CliRunner().invoke(command, [*words, "--json"])
    assert result.exit_code == 0, result.output
    (told,) = json.loads(result.stdout)
    return dict(told)


def stored(name: str) -> dict[str, Any]:
    with open_store() as store:
        (record,) = [call for call in store.calls() if call.call_id == name]
    return record.to_dict()


def test_its_row_gets_the_columns_that_came_later(home: Path) -> None:
    before = stored(home.name)
    assert before["caller_burst_mean"] is None
    told = again(home.name)
    assert told["changed"]["caller_burst_mean"] == [None, 1.0]
    row = stored(home.name)
    assert (row["callee_burst_share"], row["caller_owd_ms_p50"]) == (0.0, pytest.approx(5.0))
    assert row["status"] == "ok"
    assert row["caller_visqol"] is None, "nobody asked"


def test_its_row_gets_opinions_where_somebody_asks(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(visqol, "rate", lambda pair: 4.5)
    monkeypatch.setattr(plcmos, "rate", lambda pair: 3.2)
    for opinion in (visqol.OPINION, plcmos.OPINION):
        monkeypatch.setitem(vars(opinion), "lacking", ())
        monkeypatch.setattr(type(opinion), "version", "1.0")
    told = again(home.name, "--opinions")
    assert told["changed"]["caller_plcmos"] == [None, 3.2]
    row = stored(home.name)
    assert (row["callee_visqol"], row["callee_visqol_delta"]) == (4.5, 0.0)
    assert row["versions"]["plcmos"] == "1.0"
    assert again(home.name)["changed"] == {}
