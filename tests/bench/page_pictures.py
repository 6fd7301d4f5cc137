"""The pictures of the page in `docs/pictures`, taken anew.

    python tests/bench/page_pictures.py [--out docs/pictures] [--far world] [--near paper]

Brings up a lab with places and one without, one after the other, makes a call in each, and takes
`world.png` while the first lasts and `call.png` when the second is over. On a host that does
nothing else: what is seen in them is what was measured.
"""

from __future__ import annotations

import argparse
import io
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from docker import DockerClient
from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from lab.command import WORDS
from lab.engine.client import connect
from lab.lifecycle.down import down
from lab.lifecycle.up import up

WIDTH, HEIGHT = 1280, 1300
CALL_MS = 300_000
LOOKED_MS = 6_000
"""How long a call is looked at before its picture is taken, so that rates and queues are read."""
COLOURS = 256
"""Fewer would make one of late packets and lost ones."""


@contextmanager
def viewed(browser: Browser, lab: str, path: str) -> Iterator[Page]:
    """Somebody who looks at a page of the lab."""
    with subprocess.Popen([*WORDS, "web", lab], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            address = process.stdout.readline().strip()
            page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
            page.set_default_timeout(CALL_MS)
            page.goto(address)
            expect(page.get_by_role("navigation", name="pages")).to_be_visible()
            page.goto(f"http://{urlsplit(address).netloc}{path}")
            yield page
            page.close()
        finally:
            process.terminate()


@contextmanager
def lab_of(client: DockerClient, topology: str) -> Iterator[str]:
    """A lab of its own, by name."""
    name = f"picture-{secrets.token_hex(3)}"
    try:
        up(client, topology, name)
        yield name
    finally:
        down(client, name)


def keep(page: Page, height: float, file: Path) -> None:
    """Write what is seen of a page, down to so many pixels."""
    seen = page.screenshot(
        full_page=True, clip={"x": 0, "y": 0, "width": WIDTH, "height": min(height, HEIGHT)}
    )
    picture = Image.open(io.BytesIO(seen)).convert("RGB")
    picture.quantize(COLOURS, dither=Image.Dither.NONE).save(file, optimize=True)
    print(file)


def take_lab(browser: Browser, lab: str, file: Path) -> None:
    """The lab while a call goes through Tor in it."""
    with viewed(browser, lab, "/") as page:
        expect(page.locator("#drawing")).to_be_visible(timeout=CALL_MS)
        words = [*WORDS, "call", "v-tor", "--duration", "20s", "--name", lab, "--json"]
        with subprocess.Popen(words, stdout=subprocess.DEVNULL) as call:
            expect(page.get_by_role("status").first).to_contain_text("calling", timeout=CALL_MS)
            page.wait_for_timeout(LOOKED_MS)
            box = page.get_by_role("region", name="drawing", exact=True).bounding_box()
            assert box is not None
            keep(page, box["y"] + box["height"] + 16, file)
            call.wait()


def take_call(browser: Browser, lab: str, file: Path) -> None:
    """A call that was made on the page, when it is over."""
    with viewed(browser, lab, "/call") as page:
        page.get_by_role("button", name="Call", exact=True).click()
        expect(page.get_by_label("What the caller heard")).to_be_attached(timeout=CALL_MS)
        expect(page.locator("canvas").last).to_be_visible(timeout=CALL_MS)
        page.wait_for_timeout(LOOKED_MS)
        keep(page, HEIGHT, file)


def main() -> None:
    """Take both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("docs/pictures"))
    parser.add_argument("--far", default="world", help="topology of the picture of a lab")
    parser.add_argument("--near", default="paper", help="topology of the picture of a call")
    parser.add_argument("--browser", default="/usr/bin/chromium")
    options = parser.parse_args()
    client = connect()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=options.browser, args=["--no-sandbox"])
        with lab_of(client, options.far) as lab:
            take_lab(browser, lab, options.out / "world.png")
        with lab_of(client, options.near) as lab:
            take_call(browser, lab, options.out / "call.png")
        browser.close()


if __name__ == "__main__":
    main()
