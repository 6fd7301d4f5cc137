"""The clip through a codec without any network, kept beside a call's recordings.

No call scores higher, except by chance. What is kept is audio: how it is scored is for whoever
measures the call, as often as it is measured.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import soundfile

from lab.clip.offline_codec import CODINGS, CodecError, apply_codec
from lab.measure.wav import read_wav

log = logging.getLogger(__name__)


def write_coded(
    reference: Path,
    coded: Path,
    codec: str,
    bitrate_kbps: int | None = None,
    played_s: float | None = None,
) -> None:
    """Write what a decoder makes of the clip, as far as it is played, once.

    Nothing is written where this host has no such codec, or fails at it.
    """
    clip = replace(read_wav(reference), name=reference.name)
    if played_s is not None and played_s < clip.duration_s:
        clip = clip.played_for(played_s)
    if codec not in CODINGS:
        return
    try:
        audio = apply_codec(codec, clip, bitrate_kbps)
    except CodecError as error:
        log.warning("the ceiling of %s is not known: %s", codec, error.message)
        return
    if audio is not None:
        samples = np.clip(audio.samples, -1.0, 1.0)
        soundfile.write(coded, samples, audio.rate_hz, format="WAV", subtype="PCM_16")
