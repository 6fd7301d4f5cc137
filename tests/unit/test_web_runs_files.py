"""What can be opened or downloaded of a run."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from web_runs import SIP, TOR, keep, made, run_of

from lab.errors import LabError
from lab.store.export import FORMATS
from lab.web.runs.files import TYPES, calls_of, report_of
from lab.web.runs.shipped import shipped


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_HOME", str(tmp_path))


def test_the_report_is_that_of_the_run_and_says_how_to_repeat_it() -> None:
    keep([run_of([SIP, TOR])], [made(SIP, 1), made(SIP, 2), made(TOR, 1, "failed")])
    name, page = report_of("last")
    assert name == "two-1"
    assert "two: run two-1" in page
    assert "lab experiment run" in page


def test_calls_are_a_row_each_invalid_and_failed_ones_too() -> None:
    keep([run_of([SIP])], [made(SIP, 1), made(SIP, 2, "invalid"), made(SIP, 3, "failed")])
    name, data = calls_of("two-1", "csv")
    rows = list(csv.DictReader(io.StringIO(data.decode())))
    assert name == "two-1"
    assert [row["status"] for row in rows] == ["ok", "ok", "failed"]
    assert {row["run_id"] for row in rows} == {"two-1"}


def test_every_format_has_a_media_type() -> None:
    assert set(TYPES) == set(FORMATS)


def test_what_is_not_there_is_one_sentence() -> None:
    keep([run_of([SIP])], [])
    with pytest.raises(LabError, match="has no calls yet"):
        report_of("two-1")
    with pytest.raises(LabError, match="no run three-1"):
        report_of("three-1")
    with pytest.raises(LabError, match="no format xlsx"):
        calls_of("two-1", "xlsx")


def test_a_shipped_experiment_says_what_it_takes() -> None:
    whole, quick = shipped("table1", False), shipped("table1", True)
    assert (whole.topology, whole.points, whole.calls) == ("paper", 5, 10)
    assert quick.calls == 2
    assert quick.sentence.startswith("Table 1 of the paper")
    assert quick.sentence.endswith("5 points, 2 valid calls wanted at each, topology paper.")
