"""The pages of runs, built for a viewer without a browser: what is shown, and what follows news."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import pytest
from nicegui import ui
from nicegui.testing import User
from page_user import page_user
from web_runs import SIP, TOR, keep, made, run_of

from lab.events import RunBegan
from lab.events.told import Told
from lab.sweep.locks import only_hand_on
from lab.web import commands
from lab.web.demonstrations.giving import Demonstrating
from lab.web.hub import Hub
from lab.web.now import LabNow, RunNow
from lab.web.pages import PAGES
from lab.web.pages.jobs_panel import JOBS

TOLD = Told(1.0, "paper", "experiment", 1, RunBegan("two-1", 1, 3))
Shown = TypeVar("Shown", bound=ui.element)


class StillHub:
    """A hub that follows nothing."""

    def __init__(self) -> None:
        self.now = LabNow(lab="paper")
        self.version = 0
        self.trouble: str | None = None
        self.demonstrating = Demonstrating()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LAB_HOME", str(tmp_path))
    return tmp_path


def viewed(view: Callable[[User, StillHub], Awaitable[None]]) -> None:
    """Have somebody look at the pages."""

    async def go() -> None:
        async with page_user() as user:
            hub = StillHub()
            for page in PAGES:
                page.register(cast(Hub, hub), PAGES)
            await view(user, hub)

    asyncio.run(go())


async def until(found: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not found():
            await asyncio.sleep(0.05)


def shown(user: User, kind: type[Shown]) -> list[Shown]:
    assert user.client is not None
    return [each for each in user.client.elements.values() if isinstance(each, kind)]


def rows(user: User, what: str) -> list[dict[str, Any]]:
    """Those of the table with that label."""
    tables = [each for each in shown(user, ui.table) if each.props.get("aria-label") == what]
    return tables[0].rows if tables else []


def headings(user: User) -> list[str]:
    return re.findall(
        r"<h1[^>]*>(.*?)</h1>", "".join(each.content for each in shown(user, ui.html))
    )


def current(user: User) -> list[str]:
    """What the menu says one is at."""
    return [link.text for link in shown(user, ui.link) if "aria-current" in link.props]


def texts(user: User) -> str:
    return "\n".join(label.text for label in shown(user, ui.label))


def test_a_run_is_listed_and_one_that_was_interrupted_can_be_gone_on_with(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    keep([run_of([SIP])], [made(SIP, 1)])
    monkeypatch.setattr(
        commands, "WORDS", (sys.executable, "-c", "import sys; sys.exit(' '.join(sys.argv[1:]))")
    )

    async def view(user: User, _hub: StillHub) -> None:
        await user.open("/runs")
        await until(lambda: rows(user, "runs"))
        (row,) = rows(user, "runs")
        assert (row["run"], row["state"], row["wanted"]) == ("two-1", "‖ interrupted, 50%", 1)
        (table,) = [each for each in shown(user, ui.table) if each.rows]
        listener = next(each for each in table._event_listeners.values() if each.type == "resume")
        for run_id in ("--help", "two-1"):
            table._handle_event({"listener_id": listener.id, "args": run_id})
        await until(lambda: JOBS.ended)
        assert [job.typed for job in JOBS.ended] == ["lab experiment resume two-1"]
        await until(lambda: "experiment resume two-1" in texts(user))

    JOBS.ended.clear()
    viewed(view)
    JOBS.ended.clear()


def test_the_page_of_a_run_advances_with_it() -> None:
    keep([run_of([SIP, TOR])], [made(SIP, 1)])

    async def view(user: User, hub: StillHub) -> None:
        with only_hand_on("two-1"):
            await user.open("/runs/last")
            await until(lambda: rows(user, "calls"))
            assert "1 call made: 1 valid, 0 invalid, 0 failed; 3 still wanted" in texts(user)
            assert "▶ under way" in texts(user)
            assert "time left not known yet" in texts(user)
            keep([], [made(SIP, 2, "invalid"), made(TOR, 3, "failed")])
            hub.now.run = RunNow("two-1", 3, 3, TOLD, advanced=2)
            hub.version += 1
            await until(lambda: len(rows(user, "calls")) == 3)
            assert "3 calls made: 1 valid, 1 invalid, 1 failed; 3 still wanted" in texts(user)
            assert [row["failed"] for row in rows(user, "points")] == [0, 1]

    viewed(view)


def test_every_page_of_runs_has_one_heading_and_its_place_in_the_menu() -> None:
    keep([run_of([SIP])], [made(SIP, 1)])

    async def view(user: User, _hub: StillHub) -> None:
        for path, heading in (("/runs", "Runs"), ("/runs/last", "Run two-1")):
            await user.open(path)
            await until(lambda: headings(user))
            assert (headings(user), current(user)) == ([heading], ["Runs"])

    viewed(view)


def test_a_run_without_calls_offers_no_report_of_them() -> None:
    keep([run_of([SIP])], [])

    async def view(user: User, _hub: StillHub) -> None:
        await user.open("/runs/last")
        await until(lambda: rows(user, "points"))
        await user.should_not_see("Report")
        keep([], [made(SIP, 1)])
        await user.open("/runs/last")
        await user.should_see("Report as a file", retries=60)

    viewed(view)


def test_a_table_without_rows_says_so_in_the_labs_words() -> None:
    keep([run_of([SIP])], [made(SIP, 1)])

    async def view(user: User, _hub: StillHub) -> None:
        await user.open("/runs")
        await until(lambda: rows(user, "runs"))
        (empty,) = [each for each in shown(user, ui.table) if not each.rows]
        assert empty.props["no-data-label"] == "There are none."

    viewed(view)


def test_a_viewer_is_sent_one_page_of_the_calls() -> None:
    keep([run_of([SIP], calls=40)], [made(SIP, number) for number in range(1, 41)])

    async def view(user: User, _hub: StillHub) -> None:
        await user.open("/runs/two-1")
        await until(lambda: rows(user, "calls"))
        assert [row["number"] for row in rows(user, "calls")] == list(range(40, 15, -1))

    viewed(view)


def test_files_of_a_run_are_answered_and_what_is_not_there_is_a_sentence() -> None:
    keep([run_of([SIP])], [made(SIP, 1)])

    async def view(user: User, _hub: StillHub) -> None:
        report = await user.http_client.get("/runs/last/report")
        assert (report.status_code, "run two-1" in report.text) == (200, True)
        assert "content-disposition" not in report.headers
        as_file = await user.http_client.get("/runs/two-1/report?file=1")
        assert 'filename="two-1.html"' in as_file.headers["content-disposition"]
        calls = await user.http_client.get("/runs/two-1/calls.csv")
        assert calls.text.startswith("call_id,")
        missing = await user.http_client.get("/runs/three-1/report")
        assert missing.status_code == 404
        assert missing.text.startswith("there is no run three-1\nThe newest runs: two-1.")
        await user.open("/runs/three-1")
        await until(lambda: "there is no run three-1" in texts(user))

    viewed(view)
