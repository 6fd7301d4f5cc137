"""Calls longer than their clip: the clip repeats, PESQ is a series, and nothing is overlooked."""

from __future__ import annotations

import wave
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile
from call_directory import call_notes
from damaged_calls import later, with_losses, with_stalls
from simulated_calls import simulated
from talker import Samples, speak, wav

from lab.agents.voice import speaker as speaking
from lab.agents.voice.speaker import Speaker
from lab.checkout import EXPERIMENTS
from lab.cli.quantities import quantity
from lab.errors import UsageError
from lab.measure.call.notes import CallPlan
from lab.measure.call.scores import note_scores
from lab.measure.score import Score, score
from lab.sweep.dimensions.duration import DURATION
from lab.sweep.experiment import parse_experiment
from lab.sweep.plan import PlannedCall
from lab.sweep.point import Point
from lab.topology.units import parse_call_s
from lab.wire.voice_client import OpusSettings

CLIP = speak(seed=1, seconds=20)
PLAYED_S = 90.0
SENT = np.tile(CLIP, 5)[: round(PLAYED_S * 8_000)]


def of(recording: Samples) -> Score:
    return score(wav(CLIP, name="clip"), wav(recording, name="recording"), PLAYED_S)


def test_a_perfect_long_call_has_a_series_of_perfect_windows_and_no_single_pesq() -> None:
    result = of(later(SENT, 0.7))
    assert result.valid
    assert (result.pesq_mos, result.passes, result.found_share) == (None, 4.5, 1.0)
    assert result.delay_ms == pytest.approx(700, abs=0.2)
    assert all(window.pesq_mos == pytest.approx(4.549, abs=0.02) for window in result.windows)
    assert all(8 <= w.end_s - w.start_s <= 12 for w in result.windows)
    assert all(a.end_s == b.start_s for a, b in pairwise(result.windows))
    assert result.windows[-1].end_s == pytest.approx(PLAYED_S + 0.7)


def test_a_bad_minute_is_seen_where_it_was() -> None:
    heard = SENT.copy()
    heard[320_000:480_000] = with_losses(heard[320_000:480_000], 0.4, 3)
    result = of(heard)
    assert result.valid
    bad = [w.pesq_mos for w in result.windows if w.start_s >= 40 and w.end_s <= 60]
    good = [w.pesq_mos for w in result.windows if w.end_s <= 40 or w.start_s >= 60]
    assert max(mos or 0 for mos in bad) < 3 < min(mos or 0 for mos in good)


def test_a_call_that_fell_silent_is_not_rated_by_its_first_pass() -> None:
    """Each pass sounds like the others, so what is missing must not be found in another."""
    heard = SENT.copy()
    heard[200_000:] = 0.0
    result = of(heard)
    assert result.valid
    assert result.found_share == pytest.approx(25 / 90, abs=0.05)
    assert result.damage.missing_share == pytest.approx(65 / 90, abs=0.05)
    assert all(window.found_share == 0 for window in result.windows if window.start_s > 26)
    assert not any((w.pesq_mos or 0) > 2 for w in result.windows if w.start_s > 26)


def test_delay_is_followed_across_the_passes() -> None:
    result = of(later(with_stalls(SENT, {28.0: 0.4, 71.0: 0.8}), 0.5))
    assert result.valid
    delays = [piece.delay_ms for piece in result.delay_pieces]
    assert delays == pytest.approx([500, 900, 1700], abs=1)


@pytest.mark.parametrize(
    ("recording", "reason"),
    [
        (np.tile(speak(seed=2, seconds=20), 5)[: len(SENT)], "not the reference"),
        (SENT[: len(SENT) - 4 * 8_000], "truncated"),
    ],
)
def test_what_is_not_all_of_the_call_is_not_valid(recording: Samples, reason: str) -> None:
    result = of(recording)
    assert not result.valid
    assert any(reason in text for text in result.reasons)


def test_a_call_shorter_than_its_clip_is_compared_with_what_was_played() -> None:
    result = score(wav(CLIP), wav(later(CLIP[:80_000], 0.3)), 10.0)
    assert result.valid
    assert result.pesq_mos == pytest.approx(4.549, abs=0.02)
    assert result.windows == ()
    assert not score(wav(CLIP), wav(CLIP[:80_000])).valid


class PlainEncoder:
    """Leaves voice as it is."""

    def __init__(self, *_: object) -> None:
        pass

    def encode(self, pcm: bytes) -> bytes:
        return pcm


@pytest.mark.parametrize("duration_s", [0.4, 1.0, 2.3])
def test_a_client_repeats_its_clip_or_cuts_it(
    duration_s: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(speaking, "OpusEncoder", PlainEncoder)
    pcm = np.arange(8_010, dtype="<i2").tobytes()
    with wave.open(str(tmp_path / "clip.wav"), "wb") as file:
        file.setparams((1, 2, 8_000, 0, "NONE", ""))
        file.writeframes(pcm)
    speaker = Speaker(tmp_path / "clip.wav", duration_s, OpusSettings())
    sent = b"".join(speaker.frame(number) for number in range(speaker.packets))
    wanted = (3 * pcm)[: round(2 * 8_000 * duration_s)]
    assert sent == wanted + bytes(-len(wanted) % 320)


def test_the_record_of_a_long_call_holds_its_series_in_figures_and_no_pesq(tmp_path: Path) -> None:
    heard = {"caller": SENT.copy(), "callee": SENT.copy()}
    heard["callee"][320_000:480_000] = with_losses(heard["callee"][320_000:480_000], 0.4, 3)
    for name, samples in (("reference", CLIP), ("coded", CLIP), *heard.items()):
        soundfile.write(tmp_path / f"{name}.wav", samples, 8_000)
    record = simulated(PlannedCall(Point("sip"), 1, seed=1))
    record.caller_pesq_mos = record.callee_pesq_mos = None
    record.invalid_reasons = []
    notes = call_notes(plan=CallPlan("sip", duration_s=round(PLAYED_S)))
    scores = note_scores(record, notes, tmp_path)
    assert record.invalid_reasons == []
    assert record.caller_pesq_mos is record.callee_pesq_mos is None
    assert record.caller_pesq_mos_choppy is record.callee_pesq_mos_choppy is None
    assert record.pesq_ceiling_mos == pytest.approx(4.549, abs=0.02)
    assert record.caller_windows == record.callee_windows == len(scores["caller"]["windows"])
    assert record.caller_windows_lost == 0
    assert record.caller_window_mos_min == pytest.approx(4.549, abs=0.02)
    assert record.callee_window_mos_min is not None
    assert record.callee_window_mos_min < 3
    assert record.callee_window_mos_max == pytest.approx(4.549, abs=0.02)


def test_an_experiment_varies_the_length_of_its_calls() -> None:
    text = "name: length\ngrid:\n  method: [sip]\n  duration: [once, 2m, 90s]\n"
    points = parse_experiment(text, "length.yaml", EXPERIMENTS).points
    assert [(point[DURATION], point.point_id) for point in points] == [
        (None, "sip.PCMU.to-callee"),
        (120, "sip.PCMU.2m.to-callee"),
        (90, "sip.PCMU.90s.to-callee"),
    ]


@pytest.mark.parametrize("text", ["4", "7s", "2h", "-1m", "soon"])
def test_what_is_no_length_of_a_call_is_named(text: str) -> None:
    with pytest.raises(UsageError, match="--duration"):
        quantity("--duration", text, parse_call_s)
    assert quantity("--duration", "4m", parse_call_s) == 240
    assert quantity("--duration", None, parse_call_s) is None
