"""WebRTC phones beside a TURN server without a lab: they hear each other, or say why not."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest
from docker import DockerClient
from turn_server import LABEL, PHONES, Turn, docker, turn_server

from lab.calls.end import End, EndError
from lab.calls.voice_clients import USUAL
from lab.calls.webrtc.conversation import connect, talk
from lab.images.build import image_tag, missing
from lab.wire.playout import FIXED
from lab.wire.ports import TURN_PORT
from lab.wire.voice_client import Left, OpusSettings, Recording, Talk
from lab.wire.webrtc import Described, Gather

pytestmark = pytest.mark.live

CLIP = PurePosixPath("/usr/share/voice-tor-lab/speech/clip-16k.wav")
PLAYED_S = 10.0
LIFETIME_S = 4


@pytest.fixture
def further() -> str:
    """Lines of the server's configuration; tests may say otherwise."""
    return ""


@pytest.fixture
def turn(docker_client: DockerClient, tmp_path: Path, further: str) -> Iterator[Turn]:
    if lacking := missing(docker_client, ("turn", "endpoint")):
        pytest.skip(f"images are missing, `lab setup` builds them: {', '.join(lacking)}")
    with turn_server(tmp_path, further) as server:
        yield server


@pytest.fixture
def pair(turn: Turn) -> Iterator[tuple[End, End]]:
    """A caller and a callee, not connected yet."""
    with ExitStack() as stack:
        agents = [stack.enter_context(turn.phone(name)) for name in PHONES]
        yield End("caller", agents[0]), End("callee", agents[1])


def talks(opus: OpusSettings) -> tuple[Talk, Talk]:
    caller, callee = (
        Talk(
            CLIP,
            PLAYED_S,
            opus,
            PurePosixPath(f"/calls/{end}-sent.csv"),
            PurePosixPath(f"/calls/{end}-received.csv"),
            (Recording(PurePosixPath(f"/calls/{end}.wav"), 16000, FIXED),),
        )
        for end in PHONES
    )
    return caller, callee


def gathers(turn: Turn, *, fec: bool = False) -> tuple[Gather, Gather]:
    caller, callee = (replace(turn.gather(name), fec=fec) for name in PHONES)
    return caller, callee


@pytest.mark.parametrize("fec", [pytest.param(False, marks=pytest.mark.slow), True])
def test_two_phones_hear_each_other_by_relayed_candidates_alone(
    turn: Turn, pair: tuple[End, End], fec: bool
) -> None:
    outcome = talk(*pair, gathers(turn, fec=fec), talks(OpusSettings(fec=fec)))
    assert outcome.reason is None, turn.log()
    for report in (outcome.caller, outcome.callee):
        assert report.described and report.connected and report.received and report.left
        candidates = [c for c in report.described.sdp.splitlines() if c.startswith("a=candidate")]
        assert candidates
        assert all(f" {turn.address} " in each and " typ relay" in each for each in candidates)
        assert report.connected.srtp.startswith("SRTP_")
        assert report.connected.peer_fec == fec
        assert report.received.complete
        assert report.left.round_trips_ms
    for end, other in (PHONES, PHONES[::-1]):
        sent, received = (
            (turn.calls / f"{name}.csv").read_text().splitlines()[1:]
            for name in (f"{end}-sent", f"{other}-received")
        )
        headers = [[line.split(",")[:2] for line in lines] for lines in (sent, received)]
        assert headers[0] == headers[1]
        assert len(headers[0]) == PLAYED_S * 50


def test_a_wrong_password_is_how_the_call_failed(turn: Turn, pair: tuple[End, End]) -> None:
    mistaken = (replace(turn.gather("caller"), turn=turn.server("callee")), turn.gather("callee"))
    reason = talk(*pair, mistaken, talks(OpusSettings())).reason
    assert reason == "caller: gather failed: the TURN server relays nothing for this phone"


@pytest.mark.parametrize("further", ["total-quota=1\n"])
def test_a_server_that_relays_for_nobody_more_is_how_the_call_failed(
    pair: tuple[End, End], turn: Turn
) -> None:
    reason = talk(*pair, gathers(turn), talks(OpusSettings())).reason
    assert reason == "callee: gather failed: the TURN server relays nothing for this phone"


def test_where_nothing_listens_the_reason_is_told(turn: Turn, pair: tuple[End, End]) -> None:
    caller, _ = pair
    closed = replace(turn.server("caller"), port=turn.server("caller").port + 5)
    caller.order(replace(turn.gather("caller"), turn=closed))
    with pytest.raises(EndError, match="Connection refused"):
        caller.wait(Described, 15)


@pytest.mark.slow
@pytest.mark.parametrize("further", [f"max-allocate-lifetime={LIFETIME_S}\n"])
def test_an_allocation_that_expires_under_the_call_is_how_it_failed(
    turn: Turn, further: str
) -> None:
    """The caller's phone stands still for longer than the server relays for it unasked."""
    name = f"test-phone-{secrets.token_hex(3)}"
    with turn.phone("caller", name) as one, turn.phone("callee") as other:
        caller, callee = End("caller", one), End("callee", other)
        connect(caller, callee, gathers(turn), USUAL)
        docker("pause", name)
        time.sleep(2 * LIFETIME_S)
        docker("unpause", name)
        with pytest.raises(EndError, match=r"the TURN server (ended the connection|relays no)"):
            caller.wait(Left, 30)


def test_the_server_relays_to_its_own_relayed_addresses_and_to_nobody_else(turn: Turn) -> None:
    here = Path(__file__).with_name("turn_peers.py")
    others = ["127.0.0.1", "8.8.8.8", str(turn.address + 1), "224.0.0.1"]
    command = ["run", "--rm", "--label", LABEL, "--network", f"container:{turn.container}"]
    command += ["--cap-drop", "ALL", "--volume", f"{here}:/peers.py:ro", image_tag("endpoint")]
    asked = [str(turn.address), str(TURN_PORT), "caller", turn.passwords["caller"]]
    told = docker(*command, "python3", "/peers.py", *asked, str(turn.address), *others)
    assert dict(line.split() for line in told.splitlines()) == {
        str(turn.address): "relays",
        **dict.fromkeys(others, "403"),
    }
