"""Which files the page gives away: those of stored calls, and no others."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from call_directory import call_notes, make_directory
from simulated_calls import simulated
from starlette.responses import FileResponse

from lab.store.database import open_store
from lab.sweep.plan import PlannedCall
from lab.sweep.point import Point
from lab.web.call.files import AUDIO, call_file, is_kept, newest_calls, stored_call
from lab.web.pages import past_call

ID = "20260101T000000-sip"
RECORD = replace(simulated(PlannedCall(Point("sip"), 1, seed=3)), call_id=ID, run_id=None)


@pytest.fixture(autouse=True)
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Results with one call, and a secret beside it."""
    monkeypatch.setenv("LAB_HOME", str(tmp_path))
    calls = tmp_path / "results" / "calls"
    directory = make_directory(calls, call_notes())
    (directory / "logs").mkdir()
    (directory / "logs" / "tor.log").write_text("Bootstrapped 100%")
    (calls / "secret.wav").write_text("secret")
    (directory / "away.wav").symlink_to(calls / "secret.wav")
    with open_store() as store:
        store.add_call(replace(RECORD, artefacts=str(directory)))
    return directory


def test_a_stored_call_has_its_files(results: Path) -> None:
    call = stored_call(ID)
    assert call is not None
    assert call.directory == results
    assert {"call.json", "caller.wav", "reference.wav", "logs/tor.log"} <= call.files.keys()
    assert [record.call_id for record in newest_calls(5)] == [ID]


def test_results_that_were_moved_are_found_where_they_are_now(results: Path) -> None:
    with open_store() as store:
        store.replace_call(replace(RECORD, artefacts="/elsewhere/gone"))
    call = stored_call(ID)
    assert call is not None
    assert call.directory == results


@pytest.mark.parametrize("name", ["caller.wav", "reference.wav"])
def test_a_recording_is_played(name: str, results: Path) -> None:
    assert call_file(ID, name, AUDIO) == results / name
    answer = asyncio.run(past_call.audio(ID, name))
    assert isinstance(answer, FileResponse)
    assert answer.media_type == "audio/wav"


def test_any_file_is_given_to_be_kept() -> None:
    answer = asyncio.run(past_call.file(ID, "logs/tor.log"))
    assert isinstance(answer, FileResponse)
    assert "attachment" in answer.headers["content-disposition"]


@pytest.mark.parametrize(
    ("call_id", "name"),
    [
        (ID, "../secret.wav"),
        (ID, "logs/../../secret.wav"),
        (ID, "away.wav"),
        (ID, "/etc/passwd"),
        (ID, ""),
        (ID, "logs"),
        ("..", "results.sqlite"),
        (".", "secret.wav"),
        ("", "secret.wav"),
        ("secret.wav", ""),
        ("20260101T000000-other", "caller.wav"),
        (f"{ID}/..", "secret.wav"),
        ("' OR '1'='1", "caller.wav"),
    ],
)
def test_nothing_else_is_given(call_id: str, name: str) -> None:
    assert call_file(call_id, name) is None
    for answer in (past_call.file(call_id, name), past_call.audio(call_id, name)):
        assert asyncio.run(answer).status_code == 404


@pytest.mark.parametrize("name", ["call.json", "access.pcap", "logs/tor.log"])
def test_what_is_no_recording_is_not_played(name: str) -> None:
    assert asyncio.run(past_call.audio(ID, name)).status_code == 404


def test_a_call_that_is_kept_may_not_be_stored_yet(results: Path) -> None:
    make_directory(results.parent, call_notes(call_id="20260101T000001-new"))
    assert is_kept("20260101T000001-new")
    assert stored_call("20260101T000001-new") is None
    assert not is_kept("20260101T000002-never")
