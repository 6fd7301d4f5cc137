"""The pages of calls, built for a viewer who has no browser."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
from call_directory import call_notes, known_scores, make_directory
from docker import DockerClient
from nicegui import ui
from nicegui.testing import User
from page_user import page_user
from web_call import BEGAN

from lab.events import CallEnded
from lab.measure.call.files import SCORES, STALLS
from lab.measure.call.measured import measure_call
from lab.store.database import open_store
from lab.web import commands
from lab.web.hub import Hub
from lab.web.now import CallNow, LabNow
from lab.web.pages import call, past_call

ID = "20260101T000000-sip"


def hub_with(now: LabNow) -> Hub:
    """One that follows nothing: what is so is given."""
    hub = Hub(cast(DockerClient, None), "demo")
    hub.now = now
    return hub


def visited(hub: Hub, looks: Callable[[User], Awaitable[None]], call_id: str | None = None) -> None:
    """Have somebody look at the page of calls, or at that of one call."""

    def root() -> None:
        if call_id is None:
            call.build(hub)
        else:
            past_call.build(hub, call_id)

    async def visit() -> None:
        async with page_user(root) as user:
            await user.open("/")
            await looks(user)

    asyncio.run(visit())


@pytest.fixture
def stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory of a call that went well, measured and stored."""
    monkeypatch.setenv("LAB_HOME", str(tmp_path))
    directory = make_directory(tmp_path / "results" / "calls", call_notes())
    found = measure_call(directory, known_scores)
    for name, plain in ((SCORES, found.scores), (STALLS, found.stalls)):
        (directory / name).write_text(json.dumps(plain, default=str))
    with open_store() as store:
        store.add_call(found.record)
    return directory


async def should_see(user: User, *texts: str) -> None:
    for text in texts:
        await user.should_see(text, retries=60)


def test_a_stored_call_is_shown_whole(stored: Path) -> None:
    async def looks(user: User) -> None:
        await should_see(user, f"sip call {stored.name}", "✓ valid", "What the callee heard")
        await should_see(user, "begun 2026-01-01 00:00:00 UTC, in lab paper (paper)")
        await should_see(user, "To the callee 600 of 600 packets came", "Its files (10)")
        charts = user.find(ui.echart).elements
        assert len(charts) == 2
        assert all(chart.props["aria-label"] for chart in charts)
        part = min(user.find(ui.range).elements, key=lambda each: each.id)
        assert (part.props["aria-valuenow"], part.props["aria-valuetext"]) == (0, "0 s to 12 s")
        part.set_value({"min": 2.5, "max": 8})
        assert part.props["aria-valuetext"] == "2.5 s to 8 s"
        sources = {player.props["src"] for player in user.find(ui.audio).elements}
        assert f"/calls/{stored.name}/audio/caller.wav" in sources
        assert len(sources) == 3
        preloads = {player.props["preload"] for player in user.find(ui.audio).elements}
        assert preloads == {"metadata"}, "how long each is, is seen before it is played"

    visited(hub_with(LabNow()), looks, stored.name)


def test_a_call_whose_files_are_gone_is_shown_by_its_record(stored: Path) -> None:
    for file in stored.iterdir():
        file.unlink()
    stored.rmdir()

    async def looks(user: User) -> None:
        await should_see(user, "✓ valid", "Its files are gone", "not recorded")

    visited(hub_with(LabNow()), looks, stored.name)


def test_an_invalid_call_says_why(stored: Path) -> None:
    with open_store() as store:
        (record,) = store.calls()
        doubtful = replace(record, valid=False, invalid_reasons=["the host's CPU 97 % > 95 %"])
        store.replace_call(doubtful)

    async def looks(user: User) -> None:
        await should_see(user, "! invalid", "invalid because the host's CPU 97 % > 95 %")

    visited(hub_with(LabNow()), looks, stored.name)


def test_a_call_of_a_run_leads_to_it(stored: Path) -> None:
    with open_store() as store:
        (record,) = store.calls()
        store.replace_call(replace(record, run_id="table1-1"))

    async def looks(user: User) -> None:
        await should_see(user, "run table1-1")
        targets = {link.props.get("href") for link in user.find(ui.link).elements}
        assert "/runs/table1-1" in targets

    visited(hub_with(LabNow()), looks, stored.name)


def test_a_call_that_nobody_made_is_none(stored: Path) -> None:
    async def looks(user: User) -> None:
        await should_see(user, "There is no call 20990101T000000-none in the store.")

    visited(hub_with(LabNow()), looks, "20990101T000000-none")


def test_the_call_that_ended_last_is_shown_below_the_form(stored: Path) -> None:
    ended = CallEnded(stored.name, "ok", True, None, (), {})

    async def looks(user: User) -> None:
        await should_see(user, "Hang up", "Advanced", f"sip call {stored.name}", "✓ valid")
        html = [each.content for each in user.find(ui.html).elements]
        assert [each for each in html if each.startswith("<h1")] == ["<h1>Call</h1>"]
        assert f"<h2>sip call {stored.name}</h2>" in html

    visited(hub_with(LabNow(lab="demo", is_up=True, ended=ended)), looks)


@pytest.mark.parametrize(
    ("method", "told"),
    [
        ("mumble", "is encrypted"),
        ("webrtc", "is encrypted"),
        ("sip", "as soon as its path is open"),
        ("telepathy", "knows no method telepathy"),
    ],
)
def test_a_call_that_somebody_else_makes_is_seen_as_well(method: str, told: str) -> None:
    under_way = CallNow("20260101T000000-3fa9c1", method, "PCMU", None, BEGAN)

    async def looks(user: User) -> None:
        await should_see(user, f"{method} call {under_way.call_id}: beginning", told)

    visited(hub_with(LabNow(lab="demo", is_up=True, call=under_way)), looks)


def test_what_is_entered_becomes_a_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    told = tmp_path / "words"
    program = f"import sys; open({str(told)!r}, 'w').write(' '.join(sys.argv[1:])); sys.exit('no')"
    monkeypatch.setattr(commands, "WORDS", (sys.executable, "-c", program))

    async def looks(user: User) -> None:
        await should_see(user, "Hang up")
        user.find(kind=ui.input, content="duration").type("20s")
        user.find(kind=ui.button, content="Call").click()
        for _ in range(100):
            if told.exists() and told.read_text():
                break
            await asyncio.sleep(0.1)
        assert told.read_text() == "call sip --codec PCMU --duration 20s --name demo --json"

    visited(hub_with(LabNow(lab="demo", is_up=True)), looks)
