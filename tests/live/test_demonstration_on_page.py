"""A demonstration given in a real browser: predicted, shown, heard, answered, handed in."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import pytest
import stand_in_demonstration
from chromium import chromium
from docker import DockerClient
from lab_command import ended, interrupt, kill, wait_for
from live_lab import LiveLab
from playwright.sync_api import Browser, Page, expect
from stand_in_demonstration import QUESTION, SPEED, STEADY

from lab.demo.demonstrations.whose_number import DEMONSTRATION

pytestmark = pytest.mark.live

CALLS_MS = 180_000
"""One call and its scores, on a busy host and made again."""
DEADLINE_S = 60.0


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


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


@pytest.fixture
def stand_in(docker_client: DockerClient, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """The page of a demonstration without calls, as a process that has printed its address."""
    process = subprocess.Popen(
        [sys.executable, stand_in_demonstration.__file__, str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    yield process
    kill(process)


def opened(browser: Browser, address: str, **looks: Any) -> Page:
    """A viewer of their own, who has the token alone."""
    page = browser.new_context(**looks).new_page()
    page.goto(address)
    return page


def test_a_number_is_found_by_slider_and_by_keyboard(
    stand_in: subprocess.Popen[str], browser: Browser
) -> None:
    assert stand_in.stdout
    page = opened(browser, first_line(stand_in.stdout), viewport={"width": 360, "height": 740})
    page.get_by_role("textbox").press("Enter")
    form = page.get_by_role("group", name=QUESTION.text)
    expect(form).to_be_visible()
    form.get_by_role("radio").first.press("ArrowDown")
    expect(form.get_by_role("radio").nth(1)).to_be_checked()
    form.get_by_role("button", name="Answer").press("Enter")
    expect(page.get_by_role("log")).to_contain_text("b: At a fifth <b>of it</b>. (answered)")
    form = page.get_by_role("group", name=SPEED)
    slider, number = form.get_by_role("slider"), form.get_by_role("spinbutton")
    expect(number).to_have_value("593")
    slider.press("ArrowRight")
    expect(number).not_to_have_value("593")
    assert 593 < int(number.input_value()) < 620
    number.fill("50")
    expect(form.get_by_role("button", name="Go")).to_be_disabled()
    number.fill("400")
    expect(slider).to_have_attribute("aria-valuetext", "400")
    number.press("Enter")
    log = page.get_by_role("log")
    expect(log).to_contain_text("Nobody chose 1 and 400 kbit/s.")
    picture = log.get_by_role("img", name="PESQ against the rate of the link.")
    wait_for("picture", lambda: picture.evaluate("image => image.naturalWidth") > 100)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    expect(page.locator(".demo-status")).to_have_css("position", "static")
    page.get_by_role("button", name="Done").click()
    expect(page.get_by_text("ended without a record")).to_be_visible()
    assert ended(stand_in, DEADLINE_S).returncode == 0


def test_given_up_on_the_page_it_ends_as_ctrl_c_ends_it(
    stand_in: subprocess.Popen[str], browser: Browser
) -> None:
    assert stand_in.stdout
    address = first_line(stand_in.stdout)
    page, other = opened(browser, address), opened(browser, address)
    page.get_by_role("button", name="Begin").click()
    form = other.get_by_role("group", name=QUESTION.text)
    form.get_by_role("radio").first.check()
    form.get_by_role("button", name="Answer").click()
    form = page.get_by_role("group", name=SPEED)
    form.get_by_role("spinbutton").fill(str(STEADY))
    form.get_by_role("button", name="Go").click()
    for viewer in (page, other):
        expect(viewer.get_by_role("status").last).to_have_text("a call: dialling ...")
    other.get_by_role("button", name="Give up").click()
    for viewer in (page, other):
        expect(viewer.get_by_role("log")).to_contain_text("Links are as they were.")
        expect(viewer.get_by_role("button", name="Give up")).to_be_hidden()


@pytest.mark.slow
def test_whose_number_on_the_page(paper: LiveLab, browser: Browser, tmp_path: Path) -> None:
    record = tmp_path / "record.html"
    words = ("whose-number", "--name", paper.name, "--web", "--json", "-o", str(record))
    process = paper.lab.start("demo", *words)
    try:
        assert process.stderr
        address = first_line(process.stderr)
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/demos\?token=\S+", address)
        page, other = opened(browser, address), opened(browser, address)
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


@pytest.mark.slow
def test_ctrl_c_while_it_asks_gives_it_up(paper: LiveLab, browser: Browser) -> None:
    process = paper.lab.start("demo", "whose-number", "--name", paper.name, "--web")
    assert process.stdout
    page = opened(browser, first_line(process.stdout))
    expect(page.get_by_role("button", name="Begin")).to_be_visible()
    interrupt(process)
    done = ended(process, DEADLINE_S)
    assert done.returncode == 130
    assert done.stderr.splitlines()[-1] == "lab: interrupted"
    assert "Traceback" not in done.stderr
