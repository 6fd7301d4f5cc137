"""What a clip can reach without a network, and what must not be taken for it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from talker import speak, wav

from lab.clip import offline_codec
from lab.clip.ceiling import ceiling, clip_hash
from lab.clip.offline_codec import CodecError, apply_codec
from lab.errors import LabError
from lab.measure.score import score
from lab.measure.wav import Wav

CLIP = wav(speak(seed=1, seconds=12), name="clip")


def test_codecs_are_the_ceiling_and_controls_are_invalid() -> None:
    frame = ceiling(CLIP, ["PCMU", "GSM", "OPUS"], [wav(speak(2, 12), name="other")])
    mos = {point.name: point.pesq_mos or 0 for point in frame.codecs}
    assert 4.54 < mos["identity"] < 4.56
    assert mos["identity"] > mos["PCMU"] > mos["GSM"] > 2
    assert [point.name for point in frame.controls] == [
        "reversed",
        "noise",
        "silence",
        "cut to 4 s",
        "another order",
        "other speech: other",
    ]
    assert frame.trustworthy
    assert json.loads(json.dumps(frame.to_dict(), allow_nan=False))["trustworthy"] is True


def test_a_clip_that_is_its_own_control_is_not_trusted() -> None:
    assert not ceiling(CLIP, [], [CLIP]).trustworthy


def test_the_key_is_the_audio_not_the_name() -> None:
    assert clip_hash(CLIP) == clip_hash(wav(speak(1, 12), name="elsewhere"))
    assert clip_hash(CLIP) != clip_hash(wav(speak(3, 12)))


def test_g711_errs_by_its_quantisation() -> None:
    for codec in ("PCMU", "PCMA"):
        coded = apply_codec(codec, CLIP)
        assert coded is not None
        error = coded.samples - CLIP.samples
        ratio_db = 10 * np.log10(np.mean(CLIP.samples**2) / np.mean(error**2))
        assert 33 < ratio_db < 42


def test_unknown_codecs_are_refused() -> None:
    with pytest.raises(LabError, match="EVS is no codec"):
        apply_codec("EVS", CLIP)


def test_a_codec_this_host_lacks_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    lacking = ("SPEEX", "ILBC", "G722")
    assert [apply_codec(codec, CLIP) for codec in lacking] == [None] * 3
    frame = ceiling(CLIP, lacking)
    assert frame.unavailable == lacking
    assert [point.name for point in frame.codecs] == ["identity"]


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        ("exec sleep 9", "ffmpeg had not coded the clip after 1 s"),
        ("echo ' A..... g722 G.722'; test $# = 4 || { echo broken >&2; exit 3; }", "exit status 3"),
        ("test $# != 4 || echo ' A..... g722 G.722'", "no audio back"),
    ],
)
def test_a_codec_that_failed_is_not_one_this_host_lacks(
    script: str, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "ffmpeg"
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setattr("shutil.which", lambda _: str(program))
    monkeypatch.setattr(offline_codec, "FFMPEG_TIMEOUT_S", 1)
    with pytest.raises(CodecError, match=sentence):
        apply_codec("G722", CLIP)


def test_a_ceiling_tells_which_codec_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_codec: str, _clip: Wav) -> None:
        raise CodecError("ffmpeg said no")

    monkeypatch.setattr("lab.clip.ceiling.apply_codec", fails)
    frame = ceiling(CLIP, ["G722"])
    assert frame.unavailable == ()
    assert frame.failed == ("G722: ffmpeg said no",)


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")
def test_g722_comes_from_ffmpeg() -> None:
    coded = apply_codec("G722", CLIP)
    assert coded is not None
    assert score(CLIP, coded).valid
