"""The page in a real browser: what it shows, what it does, and to whom it is not shown."""

from __future__ import annotations

import http.client
import os
import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from chromium import chromium
from lab_command import LabCommand, complaint, ended, interrupt, wait_for
from live_lab import LiveLab
from playwright.sync_api import Browser, Page, expect

pytestmark = pytest.mark.live

SCREENSHOTS = Path(os.environ.get("LAB_SCREENSHOTS", ".cache/screenshots"))
"""Where what was seen is kept."""
CALL_MS = 120_000


@dataclass(frozen=True, slots=True)
class Address:
    """What `lab web` has printed."""

    text: str

    @property
    def port(self) -> int:
        port = urlsplit(self.text).port
        assert port is not None
        return port

    @property
    def token(self) -> str:
        return parse_qs(urlsplit(self.text).query)["token"][0]

    def of(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"


@contextmanager
def served(lab: LabCommand, name: str) -> Iterator[Address]:
    process = lab.start("web", name)
    assert process.stdout is not None
    line = process.stdout.readline().strip()
    try:
        yield Address(line)
    finally:
        interrupt(process)
        done = ended(process, 20)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr


@pytest.fixture(scope="module")
def address(paper: LiveLab) -> Iterator[Address]:
    with served(paper.lab, paper.name) as found:
        yield found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture
def viewer(browser: Browser, address: Address) -> Iterator[Page]:
    """A browser that has been let in; what it asks anybody else for is a mistake."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address.text)
    # What answers at first only leads there.
    expect(page.get_by_role("navigation", name="pages")).to_be_visible()
    yield page
    context.close()
    others = {urlsplit(url).netloc for url in asked if not url.startswith(("data:", "blob:"))}
    assert others <= {f"127.0.0.1:{address.port}"}


def kept(page: Page, name: str) -> None:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)


def test_it_opens_and_shows_the_whole_lab(viewer: Page, paper: LiveLab) -> None:
    nodes = {node["node"] for node in paper.status()["nodes"]}
    for node in sorted(nodes):
        expect(viewer.locator(f'[data-what="node:{node}"]').first).to_be_visible()
    expect(viewer.get_by_role("status").first).to_contain_text(f"lab {paper.name}")
    painted = viewer.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    assert painted > 0
    kept(viewer, "lab")
    viewer.set_viewport_size({"width": 360, "height": 740})
    assert viewer.evaluate("document.documentElement.scrollWidth") <= 360
    kept(viewer, "lab-on-a-phone")


def test_what_is_chosen_can_be_read_in_the_dark(viewer: Page) -> None:
    viewer.emulate_media(color_scheme="dark")
    chosen = viewer.get_by_role("button", name="auto", exact=True)
    ground = viewer.evaluate("getComputedStyle(document.body).getPropertyValue('background-color')")
    expect(chosen).to_have_css("color", ground)
    expect(viewer.locator("html")).to_have_attribute("lang", "en-GB")


def test_a_rate_that_is_set_is_in_force(viewer: Page, paper: LiveLab) -> None:
    caller = next(n for n in paper.status()["nodes"] if n["node"] == "caller")
    network = caller["links"][0]["network"]
    place = viewer.locator(f'svg [data-what="link:caller:{network}"]').first
    place.focus()
    place.press("Enter")
    viewer.get_by_label("rate", exact=True).fill("2mbit")
    viewer.get_by_role("button", name="Set", exact=True).click()

    def in_force() -> int | None:
        shown = paper.lab.json("link", "show", "caller", network, "--name", paper.name)
        rates = [link["in_force"]["rate_kbps"] for link in shown if link["direction"] == "out"]
        return rates[0]  # type: ignore[no-any-return]

    try:
        wait_for("the rate", lambda: in_force() == 2000)
        expect(viewer.locator("table").nth(1)).to_contain_text("2 Mbit/s")
        kept(viewer, "link")
        viewer.get_by_label("rate", exact=True).fill("2 parsecs")
        viewer.get_by_role("button", name="Set", exact=True).click()
        expect(viewer.get_by_text("2 parsecs").first).to_be_visible(timeout=20_000)
        assert in_force() == 2000
    finally:
        viewer.get_by_role("button", name="Reset", exact=True).click()
        wait_for("the rate of the topology", lambda: in_force() != 2000)


def test_what_is_broken_is_shown_until_it_is_mended(viewer: Page, paper: LiveLab) -> None:
    link = viewer.locator('svg [data-what="link:client:home"]').first
    link.focus()
    link.press("Enter")
    wrong = viewer.get_by_role("region", name="what is broken or wrong")
    try:
        viewer.get_by_role("button", name="down", exact=True).click()
        expect(wrong).to_contain_text("down client/home", timeout=20_000)
        expect(link).to_have_class(re.compile(r"\bdown\b"))
        kept(viewer, "link-down")
        viewer.keyboard.press("Escape")
        expect(link).to_be_focused()
        wrong.get_by_role("button", name="Mend everything").click()
        expect(wrong).to_be_hidden(timeout=20_000)
    finally:
        paper.lab.run("fault", "clear", "--name", paper.name)


def test_a_call_is_started_seen_and_heard(
    viewer: Page, browser: Browser, address: Address, paper: LiveLab
) -> None:
    viewer.goto(address.of("/call"))
    viewer.get_by_label("duration").fill("8s")
    viewer.get_by_role("button", name="Call", exact=True).click()
    # Who comes later sees the same call.
    with closing(browser.new_context()) as other:
        second = other.new_page()
        second.goto(address.of(f"/call?token={address.token}"))
        expect(second.get_by_text("came since the beginning").first).to_be_visible(timeout=CALL_MS)
        kept(viewer, "call-under-way")
    heard = viewer.get_by_label("What the caller heard")
    expect(heard).to_be_attached(timeout=CALL_MS)
    seconds = heard.evaluate(
        """audio => new Promise((done, failed) => {
             audio.onloadedmetadata = () => done(audio.duration);
             audio.onerror = () => failed(audio.error.message);
             audio.load();
           })"""
    )
    assert 7 < seconds < 30
    kept(viewer, "call")
    source = heard.get_attribute("src")
    assert source is not None
    assert viewer.request.get(address.of(source)).body()[:4] == b"RIFF"
    call_id = source.split("/")[2]
    assert viewer.request.get(address.of(f"/calls/{call_id}/audio/../call.json")).status == 404
    viewer.goto(address.of("/runs"))
    expect(viewer.get_by_role("link", name=call_id)).to_be_visible()


def answered(address: Address, path: str, host: str | None = None, **headers: str) -> int:
    """The status of an answer, asked without a browser."""
    connection = http.client.HTTPConnection("127.0.0.1", address.port, timeout=10)
    with closing(connection):
        connection.request(
            "GET", path, headers={"Host": host or f"127.0.0.1:{address.port}", **headers}
        )
        return connection.getresponse().status


@pytest.mark.parametrize("path", ["/", "/call", "/runs", "/demos", "/_nicegui_ws/socket.io/"])
def test_nobody_else_is_let_in(address: Address, path: str) -> None:
    let_in = f"{path}?token={address.token}"
    assert answered(address, let_in) == 200
    assert answered(address, path) == 403
    assert answered(address, f"{path}?token=wrong") == 403
    assert answered(address, let_in, host=f"evil.example:{address.port}") == 403
    assert answered(address, let_in, Origin="http://evil.example") == 403


def test_an_address_that_is_clicked_on_another_site_opens_it(
    browser: Browser, address: Address
) -> None:
    with closing(browser.new_context()) as context:
        page = context.new_page()
        chat = "http://chat.example/"
        said = f'<a href="{address.text}">the lab</a>'
        context.route(chat, lambda route: route.fulfill(content_type="text/html", body=said))
        page.goto(chat)
        page.get_by_role("link", name="the lab").click()
        expect(page.get_by_role("navigation", name="pages")).to_be_visible()
        assert page.url == address.of("/")
        page.go_back()
        assert page.url == chat, "the token is in no address that one can go back to"


def test_it_listens_on_this_host_alone(address: Address) -> None:
    wanted = f":{address.port:04X}"
    found = [
        line.split()[1]
        for table in ("/proc/net/tcp", "/proc/net/tcp6")
        for line in Path(table).read_text().splitlines()[1:]
        if line.split()[1].endswith(wanted) and line.split()[3] == "0A"
    ]
    assert found == [f"0100007F{wanted}"]


def test_a_port_that_is_taken_is_one_sentence(lab: LabCommand, address: Address) -> None:
    done = lab.run("web", "--port", str(address.port))
    assert done.returncode == 1
    assert f"port {address.port} of 127.0.0.1 cannot be had" in complaint(done)
