"""Real recordings: nine calls of the second study's artifact (test data only, kept elsewhere)."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from field_sample import FIELD
from field_tree import needs_field

from lab.measure.pesq_score import narrow_band_mos
from lab.measure.score import Score, score
from lab.measure.wav import read_wav

CHOPPY = FIELD / "reference/choppy.wav"
PAPER = FIELD / "reference/paper.wav"
RECORDINGS = sorted(FIELD.glob("Sample-Raw-Data/**/*.wav"))

pytestmark = needs_field


def published() -> dict[tuple[str, str], float]:
    """The authors' MOS of the Non-Tor calls by codec and end."""
    with (FIELD / "authors.csv").open() as file:
        return {
            (row["codec"], end): float(row[f"{end}_pesq_mos"])
            for row in csv.DictReader(file)
            for end in ("caller", "callee")
        }


def authors_mos(recording: Path) -> float:
    codec = recording.relative_to(FIELD).parts[2]
    return published()[codec, "caller" if "caller" in recording.parts else "callee"]


NON_TOR = [path for path in RECORDINGS if "Non-Tor" in path.parts]


def short(path: Path) -> str:
    parts = path.relative_to(FIELD).parts
    return "-".join((parts[1], parts[2], path.stem))


@cache
def scored(reference: Path, recording: Path) -> Score:
    return score(reference, recording)


def test_all_are_there() -> None:
    assert len(RECORDINGS) == 18
    assert len(NON_TOR) == 8


@pytest.mark.parametrize("recording", RECORDINGS, ids=short)
def test_every_recording_is_the_clip_that_was_played(recording: Path) -> None:
    result = scored(CHOPPY, recording)
    assert result.valid, result.reasons
    assert result.found_share > 0.8


@pytest.mark.parametrize("recording", RECORDINGS, ids=short)
def test_no_recording_is_the_other_clip(recording: Path) -> None:
    result = scored(PAPER, recording)
    assert not result.valid
    assert result.found_share == 0


def test_pesq_alone_would_have_believed_the_other_clip() -> None:
    believed = [scored(PAPER, recording).pesq_mos or 0 for recording in RECORDINGS]
    assert sum(mos > 2.8 for mos in believed) >= 6


@pytest.mark.parametrize("recording", NON_TOR, ids=short)
def test_pesq_agrees_with_the_authors(recording: Path) -> None:
    assert scored(CHOPPY, recording).pesq_mos == pytest.approx(authors_mos(recording), abs=0.06)


@pytest.mark.parametrize("recording", NON_TOR, ids=short)
def test_what_differs_is_the_reference_header_taken_for_audio(recording: Path) -> None:
    """With the LIST chunk's 34 bytes read as 17 samples, theirs come out to the third digit."""
    content = CHOPPY.read_bytes()
    as_they_read_it = np.frombuffer(content[44:], dtype="<i2") / 32768
    mos = narrow_band_mos(as_they_read_it, read_wav(recording).mono(8000))
    assert mos == pytest.approx(authors_mos(recording), abs=0.0015)


def test_the_clip_cut_to_4_s_reversed_or_reordered_is_not_a_call_of_it() -> None:
    clip = read_wav(CHOPPY)
    quarter = len(clip.samples) // 4
    parts = [clip.samples[n * quarter : (n + 1) * quarter] for n in range(4)]
    for audio in (
        clip.samples[:32_000],
        clip.samples[::-1],
        np.concatenate([parts[1], parts[0], parts[2], parts[3]]),
        np.concatenate([parts[2], parts[3], parts[0], parts[1]]),
    ):
        assert not score(clip, type(clip)(audio.copy(), clip.rate_hz, "altered")).valid
