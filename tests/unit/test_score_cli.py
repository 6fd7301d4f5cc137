"""`lab score` as a user sees it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import soundfile
from click.testing import CliRunner
from damaged_calls import later
from talker import speak

from lab.cli.score import command
from lab.errors import LabError


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("score")
    clip = speak(1, 10)
    audio = {"clip": clip, "call": later(clip, 0.2), "other": speak(2, 10)}
    for name, samples in audio.items():
        soundfile.write(folder / f"{name}.wav", samples, 8000, subtype="PCM_16")
    return folder


def test_json_carries_the_verdict(files: Path) -> None:
    paths = [str(files / "clip.wav"), str(files / "call.wav")]
    result = CliRunner().invoke(command, [*paths, "--json"])
    assert result.exit_code == 0
    scored = json.loads(result.stdout)
    assert (scored["valid"], scored["reasons"]) == (True, [])
    assert scored["delay_ms"] == pytest.approx(200, abs=0.2)
    assert scored["pesq_raw"] == pytest.approx(4.5, abs=0.01)


def test_people_read_why_a_score_is_not_valid(files: Path) -> None:
    paths = [str(files / "clip.wav"), str(files / "other.wav")]
    result = CliRunner().invoke(command, paths)
    assert result.exit_code == 0
    assert "NO" in result.stdout
    assert "not the reference" in result.stdout


def test_a_missing_file_is_one_sentence(files: Path) -> None:
    paths = [str(files / "clip.wav"), str(files / "none.wav")]
    result = CliRunner().invoke(command, paths)
    assert isinstance(result.exception, LabError)
    assert "none.wav cannot be read" in str(result.exception)
