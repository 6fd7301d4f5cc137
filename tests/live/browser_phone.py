"""A WebRTC phone that is none of the lab's: a page in a real browser that speaks a WAV file."""

from __future__ import annotations

import base64
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from chromium import chromium
from playwright.sync_api import Page

from lab.wire.webrtc import TurnServer

PAGE = Path(__file__).with_name("browser_phone.html")
ADDRESS = "https://phone.invalid/"
"""Answered by the test itself: a microphone is given to a page of https alone."""
RATE_HZ = 16_000


@dataclass(frozen=True, slots=True)
class BrowserPhone:
    """It is opened, and has no connection yet."""

    page: Page

    def offer(self) -> str:
        """What it offers, with its candidates."""
        return str(self.page.evaluate("offer()"))

    def answer(self, offer: str) -> str:
        """What it answers."""
        return str(self.page.evaluate("sdp => answer(sdp)", offer))

    def accept(self, answer: str) -> None:
        """Take the other's answer."""
        self.page.evaluate("sdp => accept(sdp)", answer)

    def connected(self) -> None:
        """Wait until it is."""
        self.page.wait_for_function("connection.connectionState === 'connected'", timeout=60_000)

    def speak(self) -> None:
        """Say what is in its microphone, from the start."""
        self.page.evaluate("speak()")

    def fall_silent(self) -> None:
        """Send nothing more."""
        self.page.evaluate("fallSilent()")

    def hear(self, seconds: float) -> None:
        """Go on for so much of what comes."""
        more = "seconds => { const until = heardSamples + seconds * context.sampleRate; "
        more += "return () => heardSamples >= until }"
        wanted = self.page.evaluate_handle(more, seconds)
        self.page.wait_for_function("enough => enough()", arg=wanted, timeout=60_000)

    def pair(self) -> tuple[str, str, str]:
        """Its own candidate in use, by what it reaches its server, and the other's candidate."""
        own, by, other = self.page.evaluate("pair()")
        return own, by, other

    def write_heard(self, path: Path) -> None:
        """All that it has heard so far, as a WAV file."""
        with wave.open(str(path), "wb") as file:
            file.setparams((1, 2, RATE_HZ, 0, "NONE", ""))
            file.writeframes(base64.b64decode(self.page.evaluate("recording()")))


@contextmanager
def browser_phone(turn: TurnServer, password: str, microphone: Path) -> Iterator[BrowserPhone]:
    """While the block runs; `microphone` is a WAV file, played once."""
    media = [
        "--autoplay-policy=no-user-gesture-required",
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-audio-capture={microphone}%noloop",
    ]
    with chromium(*media) as browser:
        page = browser.new_page()
        page.route(f"{ADDRESS}**", lambda route: route.fulfill(path=PAGE))
        page.goto(ADDRESS)
        server = {
            "urls": f"turn:{turn.address}:{turn.port}?transport=tcp",
            "username": turn.user,
            "credential": password,
        }
        page.evaluate("([server, rate]) => open(server, rate)", [server, RATE_HZ])
        yield BrowserPhone(page)
