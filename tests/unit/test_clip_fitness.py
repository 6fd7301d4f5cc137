"""The clip of a call: proven fit once, and coded as far as it is played."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
import soundfile
from talker import speak

from lab.clip import fitness
from lab.clip.ceiling import ceiling
from lab.clip.coded import write_coded
from lab.clip.fitness import check_fitness
from lab.clip.offline_codec import apply_codec
from lab.errors import LabError
from lab.measure.score import score
from lab.measure.wav import Wav, read_wav

OTHER = Wav(speak(seed=2, seconds=12)[:, None], 8000, "cards.wav")


@pytest.fixture
def clip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One whose fitness is found out with one codec."""
    monkeypatch.setenv("LAB_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(fitness, "ceiling", partial(ceiling, codecs=("PCMU",)))
    file = tmp_path / "clip.wav"
    soundfile.write(file, np.asarray(speak(seed=1, seconds=12)), 8000, subtype="PCM_16")
    return file


def ceiling_mos(
    clip: Path, codec: str, bitrate_kbps: int | None = None, played_s: float | None = None
) -> float | None:
    coded = clip.with_name("coded.wav")
    coded.unlink(missing_ok=True)
    write_coded(clip, coded, codec, bitrate_kbps, played_s)
    if not coded.exists():
        return None
    reference = read_wav(clip)
    played = reference if played_s is None else reference.played_for(played_s)
    return score(played, read_wav(coded)).pesq_mos


def test_the_ceiling_of_opus_rises_with_its_rate(clip: Path) -> None:
    low, high = ceiling_mos(clip, "OPUS", 8), ceiling_mos(clip, "OPUS", 64)
    pcm = ceiling_mos(clip, "L16-16")
    assert low
    assert high
    assert pcm
    assert 2 < low < high < pcm


def test_only_what_is_played_is_coded(clip: Path) -> None:
    first = ceiling_mos(clip, "GSM", played_s=9.0)
    part = read_wav(clip).played_for(9.0)
    coded = apply_codec("GSM", part)
    assert coded is not None
    assert first == pytest.approx(score(part, coded).pesq_mos, abs=0.01)
    write_coded(clip, clip.with_name("twice.wav"), "GSM", played_s=60.0)
    assert read_wav(clip.with_name("twice.wav")).duration_s == pytest.approx(12, abs=0.1)


def test_a_codec_that_this_host_lacks_leaves_nothing(
    clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    assert ceiling_mos(clip, "G722") is None
    assert ceiling_mos(clip, "SPEEX-WB") is None


def test_a_clip_is_proven_fit_once(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check_fitness(clip, [OTHER])

    def never(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(fitness, "ceiling", never)
    check_fitness(clip, [OTHER])


def test_a_clip_that_other_speech_is_taken_for_is_refused(clip: Path) -> None:
    for _ in range(2):
        with pytest.raises(LabError, match="is no clip to score calls with"):
            check_fitness(clip, [read_wav(clip)])
