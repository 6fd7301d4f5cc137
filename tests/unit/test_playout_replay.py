"""Playing voice out afterwards: pjmedia's buffer and concealment, stalls, scores by depth."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace as changed
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from call_directory import call_notes, known_scores, make_directory
from click import BadParameter
from click.testing import CliRunner
from forged_packets import PTIME_NS, START_NS, voice, write
from talker import speak, wav

from lab.cli.replay import command
from lab.errors import LabError
from lab.measure.call.measured import measure_call
from lab.measure.capture import read_capture
from lab.measure.playout.coded import coded_voice
from lab.measure.playout.pjmedia_buffer import BufferSettings, Got, JitterBuffer
from lab.measure.playout.playing import Heard, PlayedVoice, play, turns_ns
from lab.measure.playout.replay import Voice, replay
from lab.measure.playout.stalls import LATE, LEFT_OUT, LOST, ledger
from lab.measure.playout.wsola import Concealer
from lab.measure.rtp import Stream, streams
from lab.measure.wav import Wav
from lab.wire.playout import parse_playout

GOLDEN = json.loads((Path(__file__).parent / "golden/playout/pjmedia.json").read_text())
LETTERS = {Got.FRAME: "F", Got.MISSING: "M", Got.FILLING: "W", Got.EMPTY: "E"}


@pytest.mark.parametrize("case", GOLDEN["buffers"], ids=lambda case: case["playout"])
def test_the_buffer_does_what_pjmedia_itself_did(case: dict[str, Any]) -> None:
    """Every frame put and got, in bursts, late, lost and twice, as pjmedia 2.15.1 answered."""
    buffer = JitterBuffer(BufferSettings(*case["settings"]))
    answers = []
    for word in case["put"].split():
        if word.startswith("g"):
            answers += [LETTERS[buffer.get()[0]] for _ in word]
        else:
            answers.append("." if buffer.put(1000 + int(word)) else "x")
    assert "".join(answers) == case["result"]
    assert set("FE") < set(case["result"]), "it ran dry at least once"


@pytest.mark.parametrize("case", GOLDEN["concealment"], ids=lambda case: str(case["samples"]))
def test_concealment_is_pjmedias_but_for_rounding(case: dict[str, Any]) -> None:
    rate_hz, samples = case["rate_hz"], case["samples"]
    time = np.arange(samples * len(case["lost"]))
    signal = 6000 * np.sin(2 * np.pi * 130 * time / rate_hz)
    signal += 3000 * np.sin(2 * np.pi * 390 * time / rate_hz) + 800 * np.sin(time * time * 0.37)
    sent = np.trunc(signal).astype(np.int16).reshape(-1, samples)
    conceal = Concealer(rate_hz, samples)
    for frame, lost, total, level in zip(
        sent, case["lost"], case["sum_by_frame"], case["level_by_frame"], strict=True
    ):
        played = conceal.concealed() if lost == "x" else conceal.heard(frame)
        assert abs(int(played.astype(int).sum()) - total) <= samples
        assert abs(int(np.abs(played.astype(int)).sum()) - level) <= samples


def stream_of(tmp_path: Path, delays_ms: Sequence[float], lost: Iterable[int] = ()) -> Stream:
    packets = voice(len(delays_ms), delays_ms=list(delays_ms), skip=frozenset(lost))
    (stream,) = streams(read_capture(write(tmp_path / "call.pcap", packets)))
    return stream


def played(stream: Stream, playout: str) -> PlayedVoice:
    frames = coded_voice(stream, "PCMU")
    settings = BufferSettings.of(parse_playout(playout), frames.frame_ms, frames.ptime_ms)
    return play(frames, settings, turns_ns(frames, None))


def test_what_comes_in_time_is_heard_whole_and_in_order(tmp_path: Path) -> None:
    heard = played(stream_of(tmp_path, [30.0] * 300), "fixed:100")
    order = [
        index for index, what in zip(heard.index, heard.heard, strict=True) if what is Heard.FRAME
    ]
    assert order == list(range(600))
    assert ledger(heard, "fixed:100").stalls == ()
    assert np.median(heard.waited_ms) == pytest.approx(85, abs=15)


def test_a_late_packet_is_a_stall_that_says_late(tmp_path: Path) -> None:
    """Nothing for 300 ms, then all of it: a buffer of 100 ms runs dry, one of 400 does not."""
    delays = [30.0 + max(0, 300 - 20 * (number - 150)) * (number >= 150) for number in range(400)]
    stream = stream_of(tmp_path, delays)
    shallow = ledger(played(stream, "fixed:100"), "fixed:100")
    (stall,) = shallow.stalls
    assert (stall.cause, stall.dry, stall.lost_ms) == (LATE, True, 0)
    assert stall.at_s == pytest.approx(3.1, abs=0.06)
    assert 180 <= stall.ms <= 320
    assert stall.concealed_ms == min(stall.ms, 240)
    assert shallow.late_pct == pytest.approx(100 * stall.late_ms / 8000)
    assert ledger(played(stream, "fixed:400"), "fixed:400").stalls == ()


def test_a_lost_packet_is_a_stall_that_says_lost(tmp_path: Path) -> None:
    stream = stream_of(tmp_path, [30.0] * 300, lost=(100, 200, 201))
    found = ledger(played(stream, "fixed:100"), "fixed:100")
    assert [(each.cause, each.ms, each.dry) for each in found.stalls] == [
        (LOST, 20, False),
        (LOST, 40, False),
    ]
    assert (found.ms_total, found.ms_max, found.late_pct) == (60, 40, 0)


def test_what_came_when_its_turn_was_over_is_late_and_not_lost(tmp_path: Path) -> None:
    """One packet overtaken by twenty others."""
    delays = [30.0] * 300
    delays[150] = 430.0
    found = ledger(played(stream_of(tmp_path, delays), "fixed:100"), "fixed:100")
    (stall,) = found.stalls
    assert (stall.cause, stall.ms, stall.late_ms, stall.dry) == (LATE, 20, 20, False)


def test_a_buffer_that_shortens_its_delay_leaves_voice_out(tmp_path: Path) -> None:
    bursts = [30.0 + 200 - 20 * (number % 10) for number in range(200)]
    found = ledger(played(stream_of(tmp_path, [*bursts, *[30.0] * 600]), "adaptive:60"), "adaptive")
    assert LEFT_OUT in {stall.cause for stall in found.stalls}


def test_a_talkers_silence_is_no_stall(tmp_path: Path) -> None:
    """Numbers go on and timestamps jump by half a second, while nothing is sent."""
    begun = voice(100)
    after = voice(
        100,
        first_sequence=1100,
        first_timestamp=5000 + 160 * 125,
        start_ns=START_NS + 125 * PTIME_NS,
    )
    (stream,) = streams(read_capture(write(tmp_path / "vad.pcap", [*begun, *after])))
    heard = played(stream, "fixed:60")
    assert len(heard.voice.unsent) == 50
    assert Got.EMPTY in heard.got
    assert ledger(heard, "fixed:60").stalls == ()


def test_only_what_was_spoken_counts(tmp_path: Path) -> None:
    stream = stream_of(tmp_path, [30.0] * 300, lost=(100, 250))
    assert len(ledger(played(stream, "fixed:60"), "fixed:60", spoken_ms=4000).stalls) == 1


def test_a_phone_takes_its_voice_when_its_own_packets_leave(tmp_path: Path) -> None:
    """Held up for 100 ms it makes up for it: no turn is added for the time between."""
    received = stream_of(tmp_path, [30.0] * 200)
    late = [max(0, 100 - 20 * (number - 100)) * (number >= 100) for number in range(200)]
    sent = stream_of(tmp_path, [float(each) for each in late])
    turns = turns_ns(coded_voice(received, "PCMU"), sent)
    inside = turns[(turns >= sent.time_ns[0]) & (turns <= sent.time_ns[-1])]
    assert inside.tolist() == np.sort(sent.time_ns).tolist()


@pytest.fixture(scope="module")
def clip() -> Wav:
    return wav(speak(5, 10.0))


def spoken(tmp_path: Path, clip: Wav, delays_ms: Sequence[float], kept: int = 160) -> Path:
    """A capture of the clip in G.711, in packets that take so long, cut to `kept` octets."""
    raw = tmp_path / "clip.raw"
    soundfile.write(raw, clip.samples, 8000, format="RAW", subtype="ULAW")
    octets = raw.read_bytes()
    payloads = [octets[at : at + 160] for at in range(0, len(octets), 160)]
    frames = [
        changed(frame, octets=frame.octets[: len(frame.octets) - 160 + kept], wire_bytes=214)
        for frame in voice(len(payloads), delays_ms=list(delays_ms), payloads=payloads)
    ]
    return write(tmp_path / "spoken.pcap", frames)


STALLING = [
    30.0 + max(0, 20 * (90 - number % 100)) * (number % 100 > 90 - 5 * (number // 100 + 1))
    for number in range(500)
]
"""Every two seconds what was said for 0.1 s, then 0.2 and so on, comes at once."""


def test_the_depth_at_which_a_call_would_have_been_good(tmp_path: Path, clip: Wav) -> None:
    (stream,) = streams(read_capture(spoken(tmp_path, clip, STALLING)))
    source = Voice("callee", stream, None, "PCMU", least_delay_ms=30.0)
    found, heard = replay(source, ("fixed:40", "fixed:100", "fixed:600"), clip)
    assert found.mute is None
    shallow, middle, deep = found.outcomes
    assert deep.pesq_mos is not None and shallow.pesq_mos is not None
    assert deep.pesq_mos > 4.2
    assert shallow.pesq_mos < deep.pesq_mos - 0.5
    assert deep.delay_ms_p50 == pytest.approx(630, abs=30)
    assert shallow.stalls.ms_total > middle.stalls.ms_total > 0
    assert deep.stalls.stalls == ()
    assert (found.best_ms, found.unbroken_ms) == (600, 600)
    assert heard["fixed:600"].duration_s == pytest.approx(10.6, abs=0.2)


def test_a_capture_that_was_cut_off_says_so_and_tells_the_stalls(tmp_path: Path, clip: Wav) -> None:
    capture = spoken(tmp_path, clip, STALLING, kept=45)
    (tmp_path / "clip.wav").write_bytes(b"")
    soundfile.write(tmp_path / "clip.wav", clip.samples, 8000)
    done = CliRunner().invoke(
        command,
        [str(capture), "--playout", "fixed:60", "--playout", "fixed:600", "--reference",
         str(tmp_path / "clip.wav"), "--figures", str(tmp_path / "drawn"), "--json"],
        standalone_mode=False,
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    (end,) = json.loads(done.stdout)["ends"]
    assert end["mute"] == (
        "its voice cannot be decoded: of 500 packets the capture holds 45 of 160 bytes "
        "(its snap length is too short)"
    )
    shallow, deep = end["playouts"]
    assert (shallow["pesq_mos"], deep["pesq_mos"]) == (None, None)
    assert shallow["stalls"]["stalls"] == len(shallow["stalls"]["ledger"]) > 0
    assert deep["stalls"]["stall_ms_total"] == 0
    assert end["unbroken_ms"] == 600
    assert (tmp_path / "drawn" / "replay.png").stat().st_size > 10_000


def test_the_ledger_of_a_call_lies_beside_it_and_its_totals_in_the_record(
    tmp_path: Path,
) -> None:
    directory = make_directory(tmp_path, call_notes())
    found = measure_call(directory, known_scores)
    assert (found.record.stalls, found.record.caller_stalls, found.record.late_pct) == (0, 0, 0)
    assert found.record.callee_stall_ms_max == 0
    assert found.stalls["caller"] == {
        "playout": "fixed 200 ms, at most 2000 ms",
        "stalls": 0,
        "stall_ms_total": 0,
        "stall_ms_max": 0.0,
        "late_pct": 0.0,
        "ledger": [],
    }


def test_a_stall_of_a_mumble_client_is_in_its_ledger(tmp_path: Path) -> None:
    """Its log says when 300 ms of voice came late; its buffer is the client's own."""
    directory = make_directory(tmp_path, call_notes("mumble"))
    log = directory / "callee-received.csv"
    head, *rows = log.read_text().splitlines()
    first = int(rows[0].split(",")[1])
    late = []
    for row in rows:
        number, time_ns, size = row.split(",")
        at = int(time_ns)
        stop = first + 2_000_000_000
        late.append(f"{number},{max(at, stop + 600_000_000) if at > stop else at},{size}")
    log.write_text("\n".join([head, *late]) + "\n")
    found = measure_call(directory, known_scores)
    (stall,) = found.stalls["callee"]["ledger"]
    assert stall["cause"] == LATE
    assert 300 <= stall["ms"] <= 620
    assert found.record.callee_stalls == found.record.stalls == 1


@pytest.mark.parametrize("word", ["fixed:3", "deep", "adaptive:9000"])
def test_a_buffer_that_is_none_is_refused(tmp_path: Path, clip: Wav, word: str) -> None:
    capture = spoken(tmp_path, clip, [30.0] * 500)
    with pytest.raises(BadParameter, match=word):
        CliRunner().invoke(
            command, [str(capture), "--playout", word], standalone_mode=False,
            catch_exceptions=False,
        )  # fmt: skip


def test_a_capture_without_voice_says_so(tmp_path: Path) -> None:
    capture = write(tmp_path / "none.pcap", [])
    done = CliRunner().invoke(command, [str(capture)], standalone_mode=False)
    assert isinstance(done.exception, LabError)
    assert "holds no voice that can be played again" in done.exception.message
