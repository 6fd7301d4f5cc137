"""The second study's own PESQ of its own files, with its mistake (`lab.measure.header_score`).

So done, all eight scores of the published sample come out to the last of three digits; read
rightly, they differ by up to 0.05.
"""

from __future__ import annotations

from pathlib import Path

import soundfile

from lab.errors import LabError
from lab.measure.header_score import pcm_from_byte_44
from lab.measure.pesq_score import narrow_band_mos, raw_from_mos
from lab.measure.samples import Samples
from lab.measure.speech import RATE_HZ


def study_score(reference: Path, recording: Path) -> float | None:
    """The raw score that the study's program gives; None where that is no 8 kHz, 16-bit mono."""
    try:
        return raw_from_mos(narrow_band_mos(_as_read(reference), _as_read(recording)))
    except (LabError, OSError, ValueError, soundfile.SoundFileError):
        return None


def _as_read(path: Path) -> Samples:
    """All from byte 44 on as 16-bit samples; ValueError where the file does not hold such."""
    about = soundfile.info(str(path))
    if (about.samplerate, about.channels, about.subtype) != (RATE_HZ, 1, "PCM_16"):
        raise ValueError(f"{path} is not 16-bit mono at {RATE_HZ} Hz")
    return pcm_from_byte_44(path.read_bytes())
