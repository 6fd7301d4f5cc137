"""A WebRTC call between the lab's phone and a real browser: each hears what the other says."""

from __future__ import annotations

import re
import wave
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest
from browser_phone import RATE_HZ, BrowserPhone, browser_phone
from docker import DockerClient
from turn_server import Turn, docker, turn_server

from lab.calls.end import End
from lab.images.build import image_tag, missing
from lab.measure.score import Score, score
from lab.wire.playout import FIXED
from lab.wire.voice import Expect, Played, Playing, Received
from lab.wire.voice_client import Leave, Left, OpusSettings, Recording, Talk
from lab.wire.webrtc import Accept, Connected, Described

pytestmark = pytest.mark.live

CLIP = PurePosixPath("/usr/share/voice-tor-lab/speech/clip-16k.wav")
CLIP_S = 12
TRIES = 3
"""A host that stalls one of them spoils what the other hears, and neither is to blame."""
SILENCE_S = 1
"""Before and after what the browser says."""
OFTEN = 10**6
"""More packets than the browser sends: it is heard until it says nothing more."""
CANDIDATE = re.compile(r"^a=candidate:.* typ (\w+)", re.MULTILINE)


@pytest.fixture
def turn(docker_client: DockerClient, tmp_path: Path) -> Iterator[Turn]:
    if lacking := missing(docker_client, ("turn", "endpoint")):
        pytest.skip(f"images are missing, `lab setup` builds them: {', '.join(lacking)}")
    with turn_server(tmp_path) as server:
        yield server


@pytest.fixture
def clip(turn: Turn) -> Path:
    """The first seconds of the clip, where the phone sees it too."""
    whole, made = turn.calls / "whole.wav", turn.calls / "clip.wav"
    copy = ["run", "--rm", "--network", "none", "--volume", f"{turn.calls}:/calls"]
    docker(*copy, image_tag("endpoint"), "cp", str(CLIP), "/calls/whole.wav")
    with wave.open(str(whole)) as file, wave.open(str(made), "wb") as part:
        part.setparams(file.getparams())
        part.writeframes(file.readframes(CLIP_S * RATE_HZ))
    return made


@pytest.mark.parametrize("offered_by", ["browser", pytest.param("phone", marks=pytest.mark.slow)])
def test_a_browser_and_the_phone_hear_each_other(turn: Turn, clip: Path, offered_by: str) -> None:
    for _ in range(TRIES):
        scores = conversation(turn, clip, offered_by)
        if all(heard_whole(each) for each in scores.values()):
            break
    for listener, heard in scores.items():
        assert heard_whole(heard), (listener, heard)


def heard_whole(heard: Score) -> bool:
    return heard.valid and heard.segments_found == heard.segments


def conversation(turn: Turn, clip: Path, offered_by: str) -> dict[str, Score]:
    """One call; what the browser and the phone heard of it."""
    browsers, password = turn.server("caller"), turn.passwords["caller"]
    with (
        turn.phone("callee") as agent,
        browser_phone(browsers, password, microphone(clip)) as browser,
    ):
        phone = End("callee", agent)
        theirs = connect(browser, phone, turn, offered_by)
        assert set(CANDIDATE.findall(theirs)) == {"relay"}
        assert phone.wait(Connected, 60).srtp.startswith("SRTP_")
        browser.connected()
        assert browser.pair() == ("relay", "tcp", "relay")
        phone.order(talk(clip))
        phone.wait(Playing, 30)
        browser.speak()
        assert phone.wait(Played, CLIP_S + 60).packets == CLIP_S * 50
        browser.hear(2 * SILENCE_S + 2)
        browser.write_heard(clip.with_name("browser.wav"))
        browser.fall_silent()
        phone.order(Expect(OFTEN))
        assert phone.wait(Received, 60).packets > CLIP_S * 50
        phone.order(Leave())
        phone.wait(Left, 60)
    return {each: score(clip, clip.with_name(f"{each}.wav")) for each in ("browser", "phone")}


def microphone(clip: Path) -> Path:
    """The clip between two silences."""
    path, silence = clip.with_name("microphone.wav"), bytes(2 * SILENCE_S * RATE_HZ)
    with wave.open(str(clip)) as file, wave.open(str(path), "wb") as made:
        made.setparams(file.getparams())
        made.writeframes(silence + file.readframes(file.getnframes()) + silence)
    return path


def connect(browser: BrowserPhone, phone: End, turn: Turn, offered_by: str) -> str:
    """Offer and answer; what the browser said of itself."""
    gather = turn.gather("callee", deadline_s=60)
    if offered_by == "browser":
        theirs = browser.offer()
        phone.order(replace(gather, offer=theirs))
        browser.accept(phone.wait(Described, 60).sdp)
        return theirs
    phone.order(gather)
    theirs = browser.answer(phone.wait(Described, 60).sdp)
    phone.order(Accept(theirs))
    return theirs


def talk(clip: Path) -> Talk:
    here = PurePosixPath("/calls")
    return Talk(
        here / clip.name,
        CLIP_S,
        OpusSettings(),
        here / "sent.csv",
        here / "received.csv",
        (Recording(here / "phone.wav", RATE_HZ, FIXED),),
    )
