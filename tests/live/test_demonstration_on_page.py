"""A demonstration given in a real browser: predicted, shown, heard, answered, handed in."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest
from lab_command import ended, interrupt, wait_for
from live_lab import LiveLab
from playwright.sync_api import Browser, Page, expect, sync_playwright

from lab.demo.demonstrations.whose_number import DEMONSTRATION

pytestmark = [pytest.mark.live, pytest.mark.slow]

CHROMIUM = Path("/usr/bin/chromium")
CALLS_MS = 180_000
"""One call and its scores, on a busy host and made again."""
DEADLINE_S = 60.0


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        pytest.skip(f"no {CHROMIUM}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


def first_line(file: IO[str]) -> str:
    return file.readline().strip()


def answer(page: Page, question: str, choice: int) -> None:
    form = page.get_by_role("group", name=question)
    expect(form).to_be_visible(timeout=CALLS_MS)
    button = form.get_by_role("button", name="Answer")
    expect(button).to_be_disabled()
    form.get_by_role("radio").nth(choice).check()
    button.click()
    expect(form).to_be_hidden()


def test_whose_number_on_the_page(paper: LiveLab, browser: Browser, tmp_path: Path) -> None:
    record = tmp_path / "record.html"
    words = ("whose-number", "--name", paper.name, "--web", "--json", "-o", str(record))
    process = paper.lab.start("demo", *words)
    try:
        assert process.stderr
        address = first_line(process.stderr)
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/demos\?token=\S+", address)
        page, other = browser.new_page(), browser.new_page()
        page.goto(address)
        other.goto(address)
        page.get_by_label("Your name").fill("Ada <b>")
        page.get_by_role("button", name="Begin").click()
        expect(page.get_by_role("heading", level=1)).to_have_text(DEMONSTRATION.title)
        answer(page, DEMONSTRATION.prediction.text, 0)
        expect(other.get_by_text("(answered)")).to_contain_text("a: ", timeout=CALLS_MS)
        log = page.get_by_role("log")
        expect(log.get_by_role("table")).to_be_visible(timeout=CALLS_MS)
        expect(log.get_by_role("img")).to_be_visible()
        sounds = log.locator("audio")
        expect(sounds).to_have_count(2)
        wait_for("sound", lambda: sounds.first.evaluate("sound => sound.duration") > 10)
        expect(log).to_contain_text("You predicted a: ")
        answer(page, "Which of the recordings", 1)
        expect(page.get_by_role("status").last).to_contain_text("has ended", timeout=CALLS_MS)
        expect(log).to_contain_text("Right: b: ")
        with page.expect_download() as saved:
            page.get_by_role("link", name="save it").click()
        assert saved.value.suggested_filename == record.name
        page.get_by_role("button", name="Done").click()
        expect(page.get_by_text("Ada <b>")).to_be_visible()
    finally:
        if process.poll() is None and not record.exists():
            interrupt(process)
        done = ended(process, DEADLINE_S)
    assert done.returncode == 0, done.stderr
    outcome = json.loads(done.stdout)
    assert outcome["record"] == str(record)
    assert (outcome["student"], outcome["attended"]) == ("Ada <b>", True)
    assert (outcome["prediction"]["given"], outcome["prediction"]["correct"]) == ("a", False)
    assert outcome["closing"]["correct"] is True
    assert f"Wrote {record}" in done.stderr


def test_ctrl_c_while_it_asks_gives_it_up(paper: LiveLab, browser: Browser) -> None:
    process = paper.lab.start("demo", "whose-number", "--name", paper.name, "--web")
    assert process.stdout
    page = browser.new_page()
    page.goto(first_line(process.stdout))
    expect(page.get_by_role("button", name="Begin")).to_be_visible()
    interrupt(process)
    done = ended(process, DEADLINE_S)
    assert done.returncode == 130
    assert done.stderr.splitlines()[-1] == "lab: interrupted"
    assert "Traceback" not in done.stderr
