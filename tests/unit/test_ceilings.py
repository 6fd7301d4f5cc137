"""The score of a codec alone, beside which a call's own score stands."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from talker import speak

from lab.clip import fitness
from lab.clip.fitness import ceiling_mos, ceiling_of
from lab.clip.offline_codec import apply_codec
from lab.errors import LabError
from lab.measure.score import score
from lab.measure.wav import Wav, read_wav


@pytest.fixture
def clip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LAB_HOME", str(tmp_path / "home"))
    file = tmp_path / "clip.wav"
    soundfile.write(file, np.asarray(speak(seed=1, seconds=12)), 8000, subtype="PCM_16")
    return file


def test_the_ceiling_of_opus_rises_with_its_rate_and_is_computed_once(
    clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    low, high = ceiling_mos(clip, "OPUS", 8), ceiling_mos(clip, "OPUS", 64)
    pcm = ceiling_mos(clip, "L16-16")
    assert low
    assert high
    assert pcm
    assert 2 < low < high < pcm

    def never(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(fitness, "apply_codec", never)
    monkeypatch.setattr(fitness, "ceiling", never)
    again = [ceiling_mos(clip, "OPUS", 8), ceiling_mos(clip, "OPUS", 64)]
    assert [*again, ceiling_mos(clip, "L16-16")] == [low, high, pcm]


def test_other_speech_is_a_control_that_is_asked_for_once(clip: Path) -> None:
    asked = []

    def other() -> list[Wav]:
        asked.append(clip)
        return [Wav(speak(seed=2, seconds=12)[:, None], 8000, "cards.wav")]

    for _ in range(2):
        controls = {point["name"]: point for point in ceiling_of(clip, other)["controls"]}
    assert asked == [clip]
    assert not controls["other speech: cards.wav"]["valid"]


def test_a_clip_that_other_speech_is_taken_for_is_refused(clip: Path) -> None:
    with pytest.raises(LabError, match="is no clip to score calls with"):
        ceiling_of(clip, lambda: [read_wav(clip)])


def test_the_ceiling_of_a_short_call_is_that_of_what_was_played(clip: Path) -> None:
    whole = ceiling_mos(clip, "GSM")
    first = ceiling_mos(clip, "GSM", played_s=9.0)
    part = read_wav(clip).played_for(9.0)
    coded = apply_codec("GSM", part)
    assert coded is not None
    assert first == score(part, coded).pesq_mos != whole
    assert ceiling_mos(clip, "GSM", played_s=60.0) == whole
    assert ceiling_mos(clip, "GSM", played_s=9.0) == first
