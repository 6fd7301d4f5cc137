"""The clip that is made while the endpoint image is built."""

from __future__ import annotations

import importlib.util
import math
import random
import wave
from array import array
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import pytest

from lab.checkout import IMAGES


def load_program() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_clip", IMAGES / "endpoint/make_clip.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


make_clip = load_program()
CLIP_S = 6


def tone(frequency_hz: float, seconds: float, amplitude: float) -> list[float]:
    step = 2 * math.pi * frequency_hz / make_clip.RATE_HZ
    return [amplitude * math.sin(step * n) for n in range(round(seconds * make_clip.RATE_HZ))]


def rms(samples: list[float]) -> float:
    return math.sqrt(sum(sample * sample for sample in samples) / len(samples))


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Clips of a fifth of their length: of five noisy "sentences", and five of the other talker."""
    source, target = tmp_path_factory.mktemp("sentences"), tmp_path_factory.mktemp("speech")
    other = tmp_path_factory.mktemp("other")
    noise = random.Random(1)
    for directory, length_s in ((source, 0.7), (other, 0.2)):
        for name in "bcade":
            with wave.open(str(directory / f"{name}.wav"), "wb") as wav:
                wav.setparams((1, 2, make_clip.RATE_HZ, 0, "NONE", ""))
                samples = range(round(length_s * make_clip.RATE_HZ))
                wav.writeframes(array("h", [round(noise.gauss(0, 2000)) for _ in samples]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(make_clip, "CLIP_S", CLIP_S)
        make_clip.main(source, other, target)
    return target


@pytest.mark.parametrize(
    ("name", "rate_hz"),
    [
        ("clip-8k.wav", 8000),
        ("clip-16k.wav", 16000),
        ("clip-32k.wav", 32000),
        ("clip-48k.wav", 48000),
        ("other-8k.wav", 8000),
    ],
)
def test_every_clip_is_as_long_as_it_is_to_be(clips: Path, name: str, rate_hz: int) -> None:
    with wave.open(str(clips / name)) as wav:
        assert (wav.getframerate(), wav.getsampwidth(), wav.getnchannels()) == (rate_hz, 2, 1)
        assert wav.getnframes() == CLIP_S * rate_hz
    assert (clips / name).stat().st_size == 44 + 2 * CLIP_S * rate_hz


def test_it_is_to_be_half_a_minute_long() -> None:
    assert len(make_clip.arrange([[1]] * 5)) == 30 * make_clip.RATE_HZ


def test_the_clip_has_the_recommended_level(clips: Path) -> None:
    with wave.open(str(clips / "clip-16k.wav")) as wav:
        samples = array("h", wav.readframes(wav.getnframes()))
    assert make_clip.active_level_dbov(samples, 16000) == pytest.approx(-26, abs=0.1)


def test_it_begins_and_ends_with_silence_and_has_pauses(clips: Path) -> None:
    with wave.open(str(clips / "clip-8k.wav")) as wav:
        samples = array("h", wav.readframes(wav.getnframes()))
    tenths = [any(samples[n : n + 800]) for n in range(0, len(samples), 800)]
    assert not any(tenths[:4] + tenths[-8:])
    changes = sum(before != after for before, after in pairwise(tenths))
    assert changes == 2 * 5


def test_the_licence_lies_beside_it(clips: Path) -> None:
    text = (clips / "LICENSE").read_text()
    assert "LibriVox" in text
    assert "public domain" in text


def test_active_level_ignores_silence() -> None:
    """ITU-T P.56: pauses do not make speech quieter; a steady tone's level is its power."""
    burst = tone(440, 4.0, 3276.8)
    loud = make_clip.active_level_dbov(burst, make_clip.RATE_HZ)
    with_pause = make_clip.active_level_dbov(burst + [0.0] * 64000, make_clip.RATE_HZ)
    assert loud == pytest.approx(-23.0, abs=0.3)
    assert with_pause == pytest.approx(loud, abs=0.4)


def test_halving_the_rate_keeps_speech_and_removes_what_would_fold_back() -> None:
    kept = make_clip.halve_rate(tone(1000, 0.2, 1000))
    folded = make_clip.halve_rate(tone(5000, 0.2, 1000))
    assert rms(kept[200:-200]) == pytest.approx(1000 / math.sqrt(2), rel=0.001)
    assert rms(folded[200:-200]) < 0.5


@pytest.mark.parametrize("factor", [2, 3])
def test_multiplying_the_rate_adds_nothing(factor: int) -> None:
    low = tone(1000, 0.1, 1000)
    high = make_clip.multiply_rate(low, factor)
    assert len(high) == factor * len(low)
    between = slice(100 * factor, -100 * factor)
    step = 2 * math.pi * 1000 / (factor * make_clip.RATE_HZ)
    ideal = [1000 * math.sin(step * n) for n in range(len(high))]
    off = [a - b for a, b in zip(high[between], ideal[between], strict=True)]
    assert rms(off) < 0.1


def test_material_of_another_rate_is_refused(tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "x.wav"), "wb") as wav:
        wav.setparams((1, 2, 8000, 0, "NONE", ""))
        wav.writeframes(b"\0\0")
    with pytest.raises(SystemExit, match="8000"):
        make_clip.main(tmp_path, tmp_path, tmp_path)
