"""When a score may be believed, and when it must not be."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from damaged_calls import later, with_losses, with_stalls
from talker import Samples, speak, wav

from lab.clip.offline_codec import apply_codec
from lab.errors import LabError
from lab.measure.alignment import align
from lab.measure.score import Score, score
from lab.measure.speech import pauses
from lab.measure.wav import Wav

CLIP = speak(seed=1, seconds=24)


def of(recording: Samples, clip: Samples = CLIP) -> Score:
    return score(wav(clip, name="clip"), wav(recording, name="recording"))


def test_the_clip_against_itself_is_perfect() -> None:
    result = of(CLIP)
    assert result.valid
    assert result.pesq_raw == pytest.approx(4.5, abs=0.001)
    assert result.pesq_mos == pytest.approx(4.549, abs=0.001)
    assert (result.delay_ms, result.found_share, len(result.delay_pieces)) == (0.0, 1.0, 1)
    assert (result.damage.gaps, result.damage.altered_share) == (0, 0.0)


NOISE = np.random.default_rng(3).normal(0, 0.1, len(CLIP))
SENTENCES = np.split(CLIP, [(pause.start + pause.end) // 2 for pause in pauses(CLIP)])
WRONG = {
    "other speech": speak(seed=2, seconds=24),
    "reversed": CLIP[::-1].copy(),
    "noise": NOISE,
    "tone": 0.3 * np.sin(np.arange(len(CLIP)) * 0.8),
    "silence": np.zeros(len(CLIP)),
    "nothing": np.zeros(0),
    "other order": np.concatenate(SENTENCES[::-1]),
    "two sentences swapped": np.concatenate([SENTENCES[1], SENTENCES[0], *SENTENCES[2:]]),
    "halves swapped": np.concatenate([CLIP[96_000:], CLIP[:96_000]]),
    "cut to the half": CLIP[: len(CLIP) // 2],
    "cut to 4 s": CLIP[:32_000],
    "4 s, then silence": np.concatenate([CLIP[:32_000], np.zeros(len(CLIP) - 32_000)]),
    "5 s, then silence": np.concatenate([CLIP[:40_000], np.zeros(len(CLIP) - 40_000)]),
    "its envelope on noise": np.abs(CLIP) * NOISE / 0.1,
    "clipped": np.clip(CLIP * 30, -1, 1),
}


@cache
def of_wrong(name: str) -> Score:
    return of(WRONG[name])


@pytest.mark.parametrize("name", WRONG)
def test_what_is_not_the_clip_is_never_valid(name: str) -> None:
    assert not of_wrong(name).valid


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("other speech", "not the reference"),
        ("halves swapped", "truncated"),
        ("cut to the half", "truncated"),
        ("silence", "silent"),
        ("clipped", "clipped"),
        ("5 s, then silence", "only 5.1 s"),
    ],
)
def test_a_doubt_is_named(name: str, reason: str) -> None:
    assert any(reason in text for text in of_wrong(name).reasons)


@pytest.mark.parametrize("codec", ["PCMU", "PCMA", "GSM", "OPUS"])
def test_a_codec_without_a_network_is_recognised(codec: str) -> None:
    coded = apply_codec(codec, wav(CLIP))
    assert coded is not None
    result = score(wav(CLIP), coded)
    assert result.valid
    assert result.found_share == 1.0
    assert result.pesq_mos is not None
    assert 2.0 < result.pesq_mos < 4.549


@pytest.mark.parametrize("burst", [1.5, 10.0])
def test_a_ruined_call_is_a_valid_low_score(burst: float) -> None:
    result = of(later(with_losses(CLIP, share=0.6, burst=burst), 0.3))
    assert result.valid
    assert result.pesq_mos is not None
    assert result.pesq_mos < 1.6
    assert result.delay_ms == pytest.approx(300, abs=0.2)


def test_speech_that_the_network_is_known_to_have_lost_is_a_low_score_not_an_invalid_one() -> None:
    arrived = len(CLIP) // 6
    cut_off = np.concatenate([CLIP[:arrived], np.zeros(len(CLIP) - arrived)])
    assert not of(cut_off).valid
    clip = wav(CLIP, name="clip")
    result = score(clip, wav(cut_off, name="recording"), arrived_share=1 / 6)
    assert result.valid
    assert result.pesq_mos is not None
    assert result.pesq_mos < 2
    assert result.damage.missing_share == pytest.approx(5 / 6, abs=0.06)
    for name in ("other speech", "reversed", "silence"):
        assert not score(clip, wav(WRONG[name], name=name), arrived_share=1 / 6).valid


def test_pesq_and_damage_follow_the_loss() -> None:
    scores = [of(with_losses(CLIP, share, 2)) for share in (0.0, 0.02, 0.08, 0.25, 0.6)]
    mos = [result.pesq_mos for result in scores]
    missing = [result.damage.missing_share for result in scores]
    assert mos == sorted(mos, key=lambda value: -(value or 0))
    assert missing == sorted(missing, key=lambda value: value or 0)
    assert len(set(mos)) == len(mos)


def test_long_gaps_are_measured() -> None:
    heard = CLIP.copy()
    heard[80_000:96_000] = 0.0
    result = of(heard)
    assert result.valid
    assert result.damage.longest_gap_ms == pytest.approx(2000, abs=300)


def test_delay_that_changes_is_followed() -> None:
    result = of(with_stalls(CLIP, {8.0: 0.35, 16.0: 0.6}))
    assert result.valid
    delays = [piece.delay_ms for piece in result.delay_pieces]
    assert delays == pytest.approx([0, 350, 950], abs=1)
    assert any("changes 2 times" in remark for remark in result.remarks)


@pytest.mark.parametrize(
    "recording",
    [with_stalls(CLIP, {18.0: 15.0}), with_stalls(CLIP, {2.0: 15.0})],
    ids=["end 15 s later", "all but the start 15 s later"],
)
def test_speech_after_a_stall_of_any_length_is_in_order(recording: Samples) -> None:
    result = of(recording)
    assert result.misplaced_share == 0.0
    assert result.valid, result.reasons


def test_a_recording_ends_early_only_where_the_voice_had_arrived() -> None:
    late = later(CLIP, 20.0)[: 34 * 8_000]
    clip = wav(CLIP, name="clip")
    assert "truncated" in score(clip, wav(late, name="recording")).reasons[0]
    assert score(clip, wav(late, name="recording"), arrived_share=0.5).valid


def test_speech_a_stalled_call_delivers_too_late_is_not_truncation() -> None:
    stalled = with_stalls(CLIP, {12.0: 6.0})[: len(CLIP)]
    result = of(stalled)
    assert result.valid
    assert result.covered_share == 1.0
    assert result.found_share < 0.85


def test_a_leading_silence_is_aligned_and_said() -> None:
    result = of(later(CLIP, 7.25))
    assert result.valid
    assert result.delay_ms == pytest.approx(7250, abs=0.2)
    assert result.pesq_mos == pytest.approx(4.549, abs=0.01)
    assert any("leading silence of 7.2" in remark for remark in result.remarks)


def test_looped_playback_is_aligned_and_said() -> None:
    looped = np.tile(CLIP, 3)[72_000:]
    result = of(looped)
    assert result.valid
    assert result.delay_ms == pytest.approx(15_000, abs=0.2)
    assert result.pesq_mos == pytest.approx(4.549, abs=0.01)
    assert any("looped playback" in remark for remark in result.remarks)


def test_of_several_passes_the_first_whole_one_counts_not_the_best() -> None:
    result = of(np.concatenate([with_losses(CLIP, 0.4, 4), CLIP]))
    assert result.valid
    assert result.pesq_mos is not None
    assert result.pesq_mos < 2.5
    assert result.passes == 2
    assert {window.clip_start_s for window in result.windows if window.start_s < 1} == {0.0}


def test_a_recorder_half_a_second_late_costs_nothing() -> None:
    result = of(CLIP[4_000:])
    assert result.valid
    assert result.delay_ms == pytest.approx(-500, abs=0.2)
    assert result.pesq_mos == pytest.approx(4.549, abs=0.02)


def test_long_clips_are_scored_in_windows_and_have_no_single_pesq() -> None:
    clip = speak(seed=5, seconds=70)
    heard = clip.copy()
    heard[240_000:400_000] = with_losses(heard[240_000:400_000], 0.4, 3)
    result = of(later(heard, 1), clip)
    assert result.valid
    assert result.pesq_mos is None
    assert all(8 <= w.end_s - w.start_s <= 12 for w in result.windows)
    assert result.windows[-1].end_s == pytest.approx(71, abs=0.01)
    bad = [w.pesq_mos for w in result.windows if w.start_s > 31 and w.end_s < 51]
    good = [w.pesq_mos for w in result.windows if w.end_s < 31 or w.start_s > 51]
    assert max(m for m in bad if m) < 3 < min(m for m in good if m)


def test_wide_band_needs_16_khz_on_both_sides() -> None:
    clip = speak(seed=6, seconds=10, rate_hz=16_000)
    wide = score(wav(clip, 16_000), wav(clip, 16_000))
    assert wide.pesq_wb_mos == pytest.approx(4.644, abs=0.001)
    narrow = score(wav(clip, 16_000), wav(clip[::2], 8_000))
    assert narrow.pesq_wb_mos is None
    assert narrow.valid


def test_the_channel_that_holds_the_clip_is_scored() -> None:
    both = np.stack([speak(seed=2, seconds=24), CLIP], axis=1)
    result = score(wav(CLIP), Wav(both, 8_000, "stereo"))
    assert result.valid
    assert "channel 2 of 2 is scored" in result.remarks


def test_a_reference_without_speech_is_refused() -> None:
    with pytest.raises(LabError, match="too little for PESQ"):
        of(CLIP, clip=CLIP[:16_000])


def test_everything_becomes_json() -> None:
    for recording in (CLIP, np.zeros(0), speak(2, 10)):
        text = json.dumps(of(recording).to_dict(), allow_nan=False)
        assert json.loads(text)["reference"] == "clip"


def test_one_alignment_for_silence() -> None:
    (only,) = align(CLIP, np.zeros(80_000))
    assert only.found == ()
    assert only.delay_ms is None


def test_paths_are_read(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="cannot be read"):
        score(tmp_path / "none.wav", tmp_path / "none.wav")
