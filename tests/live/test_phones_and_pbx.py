"""Real phones, a real PBX: what a call is, and every way in which it can fail."""

from __future__ import annotations

import threading
import time
import wave
from array import array
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from docker import DockerClient
from exchange import EXTENSIONS, Exchange, running_exchange, voice

from lab.calls.end import EndError, Outcome
from lab.calls.sip.phone import Deadlines, Phone, talk
from lab.measure.score import score
from lab.wire.phone import HangUp, PhoneReport, Register, Registered

pytestmark = pytest.mark.live

KILL_PHONE = """
import os, pathlib, signal
for process in pathlib.Path("/proc").glob("[0-9]*"):
    mine = int(process.name) == os.getpid()
    if not mine and b"lab.agents.phone.phone" in (process / "cmdline").read_bytes():
        os.kill(int(process.name), signal.SIGKILL)
"""


@pytest.fixture(scope="module")
def exchange(
    docker_client: DockerClient, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Exchange]:
    directory = tmp_path_factory.mktemp("exchange")
    for parent in (directory, directory.parent):
        parent.chmod(0o755)
    with running_exchange(docker_client, directory) as started:
        yield started


def test_both_ends_hear_the_whole_clip_unharmed(exchange: Exchange, tmp_path: Path) -> None:
    outcome = exchange.call(duration_s=30.0)
    assert outcome.reason is None
    reference = tmp_path / "clip.wav"
    container = exchange.containers["caller"]
    reference.write_bytes(
        container.exec_run(["cat", "/usr/share/voice-tor-lab/speech/clip-8k.wav"]).output
    )
    for name, report in (("caller", outcome.caller), ("callee", outcome.callee)):
        assert report.ended
        assert report.received
        assert report.received.complete
        assert report.ended.counts.tx_packets >= 1500
        assert report.ended.counts.playout_frames_discarded == 0
        result = score(reference, exchange.recordings / f"{name}.wav")
        assert result.pesq_mos is not None
        assert result.pesq_mos >= 4.3


@pytest.mark.parametrize(
    ("codec", "payload_type", "clock_hz"),
    [
        ("PCMU", 0, 8000),
        pytest.param("PCMA", 8, 8000, marks=pytest.mark.slow),
        ("GSM", 3, 8000),
        ("SPEEX", None, 8000),
        pytest.param("SPEEX-WB", None, 16000, marks=pytest.mark.slow),
        ("ILBC", None, 8000),
        ("OPUS", None, 16000),
        ("L16-48", None, 48000),
    ],
)
def test_the_codec_asked_for_is_negotiated_without_voice_activity_detection(
    exchange: Exchange, codec: str, payload_type: int | None, clock_hz: int
) -> None:
    outcome = exchange.call(codecs=(codec, codec))
    media = outcome.callee.media
    assert outcome.reason is None
    for report in (outcome.caller, outcome.callee):
        assert report.media
        its_peer = report.media.remote_rtp.split(":")[0]
        assert its_peer == str(exchange.address("server")), "media always pass through the PBX"
    assert media
    assert payload_type in {None, media.payload_type_rx}
    assert (media.clock_hz, media.vad) == (clock_hz, False)
    with wave.open(str(exchange.recordings / "callee.wav")) as recording:
        assert recording.getframerate() == clock_hz
        assert 2.0 < recording.getnframes() / clock_hz < 4.0


@pytest.mark.parametrize(
    ("codec", "ptime_ms"),
    [("PCMU", 40), pytest.param("SPEEX", 60, marks=pytest.mark.slow), ("OPUS", 60)],
)
def test_the_packetisation_time_can_be_chosen(
    exchange: Exchange, codec: str, ptime_ms: int
) -> None:
    outcome = exchange.call(codecs=(codec, codec), ptime_ms=ptime_ms)
    assert outcome.reason is None
    assert outcome.caller.media
    assert outcome.caller.ended
    assert outcome.caller.media.ptime_ms == ptime_ms
    assert outcome.caller.ended.counts.tx_packets < 4000 / ptime_ms


@pytest.mark.parametrize("codec", ["PCMU", "OPUS"])
def test_voice_that_comes_too_late_is_heard_as_a_gap(exchange: Exchange, codec: str) -> None:
    """Nothing is lost while the media proxy stands still, so the gap is one of playout."""
    proxy = exchange.containers["pbx-media"]

    def stand_still() -> None:
        proxy.pause()
        time.sleep(1.0)
        proxy.unpause()

    threading.Timer(1.5, stand_still).start()
    outcome = exchange.call(codecs=(codec, codec), duration_s=4.0)
    assert outcome.reason is None
    for name, report in (("caller", outcome.caller), ("callee", outcome.callee)):
        assert report.ended
        assert report.ended.counts.rx_lost == 0
        assert longest_gap_s(exchange.recordings / f"{name}.wav") > 0.5


def longest_gap_s(recording: Path) -> float:
    """The longest silence between the first and the last sound; the clip's own are shorter."""
    with wave.open(str(recording)) as wav:
        samples = array("h", wav.readframes(wav.getnframes()))
        rate_hz: int = wav.getframerate()
    loud = [n for n, sample in enumerate(samples) if abs(sample) > 300]
    longest = max(after - before for before, after in pairwise(loud))
    return longest / rate_hz


@pytest.mark.slow
def test_the_clip_is_repeated_in_a_longer_call(exchange: Exchange) -> None:
    outcome = exchange.call(duration_s=33.0)
    assert outcome.reason is None
    with wave.open(str(exchange.recordings / "callee.wav")) as recording:
        recording.setpos(round(31.5 * 8000))
        assert any(recording.readframes(8000))


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        ("1234", "caller: call failed: 404 No Such Extension"),
        (EXTENSIONS["absent"], "caller: call failed: 480 Not Registered"),
    ],
)
def test_a_number_that_cannot_be_reached(exchange: Exchange, number: str, reason: str) -> None:
    assert exchange.call(number=number).reason == reason


@pytest.mark.parametrize(
    ("codecs", "reason"),
    [
        (("G722", "G722"), "caller: call failed: 488 No Common Codec"),
        (("PCMU", "GSM"), "caller: call failed: 488 Not Acceptable Here"),
    ],
    ids=["the PBX has none", "the callee has none"],
)
def test_no_common_codec(exchange: Exchange, codecs: tuple[str, str], reason: str) -> None:
    assert exchange.call(codecs=codecs).reason == reason


def test_a_wrong_password_is_refused(exchange: Exchange) -> None:
    with exchange.agent("caller") as agent:
        phone = Phone("caller", agent)
        phone.order(as_account(exchange.registration("caller"), password="guess"))
        with pytest.raises(EndError, match="register failed: 401 Unauthorized"):
            phone.wait(Registered, 10)


def test_a_password_opens_no_other_extension(exchange: Exchange) -> None:
    with exchange.agent("caller") as agent:
        phone = Phone("caller", agent)
        other = EXTENSIONS["callee"]
        phone.order(as_account(exchange.registration("caller"), extension=other))
        with pytest.raises(EndError, match="register failed: 401"):
            phone.wait(Registered, 10)


def test_a_pbx_that_is_not_there_is_not_waited_for_longer_than_asked(exchange: Exchange) -> None:
    with exchange.agent("caller") as agent:
        phone = Phone("caller", agent)
        phone.order(as_account(exchange.registration("caller"), pbx_port=5999))
        with pytest.raises(EndError, match=r"no 'registered' within 1 s|register failed"):
            phone.wait(Registered, 1)


def test_a_callee_that_hangs_up_ends_the_call_for_both(exchange: Exchange) -> None:
    with exchange.agent("caller") as caller_agent, exchange.agent("callee") as callee_agent:
        caller, callee = Phone("caller", caller_agent), Phone("callee", callee_agent)
        exchange.register(caller, callee)
        threading.Timer(1.0, callee.order, (HangUp(),)).start()
        outcome = talk_for(caller, callee, 10.0)
        assert outcome.reason == "caller: the call ended before 'played': 200 Normal call clearing"


def test_a_phone_that_is_killed_in_the_call_is_named(exchange: Exchange) -> None:
    with exchange.agent("caller") as caller_agent, exchange.agent("callee") as callee_agent:
        caller, callee = Phone("caller", caller_agent), Phone("callee", callee_agent)
        exchange.register(caller, callee)
        threading.Timer(1.0, exchange.run, ("callee", "python3", "-c", KILL_PHONE)).start()
        outcome = talk_for(caller, callee, 2.0)
        assert str(outcome.reason).startswith("callee: the program ended")
        assert outcome.caller.confirmed


def test_after_a_failed_call_the_same_phones_make_a_good_one(exchange: Exchange) -> None:
    with exchange.agent("caller") as caller_agent, exchange.agent("callee") as callee_agent:
        caller, callee = Phone("caller", caller_agent), Phone("callee", callee_agent)
        exchange.register(caller, callee)
        no_clip = replace(voice("caller", "PCMU", 1.0), clip=PurePosixPath("/nothing.wav"))
        failed = talk(
            caller,
            callee,
            EXTENSIONS["callee"],
            (no_clip, voice("callee", "PCMU", 1.0)),
        )
        assert "No such file" in str(failed.reason)
        assert talk_for(caller, callee, 1.0).reason is None


def test_a_clip_of_the_wrong_rate_is_refused_before_the_call(exchange: Exchange) -> None:
    with exchange.agent("callee") as agent:
        phone = Phone("callee", agent)
        phone.order(exchange.registration("callee"))
        phone.wait(Registered, 10)
        with pytest.raises(EndError, match=r"16000 Hz.*PCMU needs 8000 Hz"):
            phone.await_call(voice("callee", "SPEEX-WB", 1.0))


def test_phones_leave_no_process_behind(exchange: Exchange) -> None:
    exchange.call(duration_s=1.0)
    assert "lab.agents.phone.phone" not in str(exchange.containers["caller"].top())


def test_the_pbx_listens_on_one_address(exchange: Exchange) -> None:
    exchange.call(duration_s=1.0)
    rows = [line.split() for line in exchange.run("server", "cat", "/proc/net/udp").splitlines()]
    unconnected = {row[1] for row in rows[1:] if row[2] == "00000000:0000"}
    addresses = {bytes.fromhex(local.split(":")[0])[::-1] for local in unconnected}
    assert exchange.address("server").packed in addresses
    assert all(a == exchange.address("server").packed or a[0] == 127 for a in addresses)


def talk_for(caller: Phone, callee: Phone, duration_s: float) -> Outcome[PhoneReport]:
    return talk(
        caller,
        callee,
        EXTENSIONS["callee"],
        (voice("caller", "PCMU", duration_s), voice("callee", "PCMU", duration_s)),
        Deadlines(answer_s=5, late_s=10, hang_up_s=5),
    )


def as_account(order: Register, **changes: Any) -> Register:
    """That registration with something else in its account."""
    return replace(order, account=replace(order.account, **changes))
