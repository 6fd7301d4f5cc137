"""PESQ as the second study's program had it, with its mistake: header bytes are audio to it.

The ITU-T's reference program takes everything from byte 44 of a WAV file on for samples. The
study's reference has a LIST chunk before its audio, as FFmpeg writes one: 34 bytes, 17 samples of
it loud, stand before the clip. Its recordings have a header of 44 bytes. Whole files are compared,
nothing is cut to the clip or aligned beforehand.
"""

from __future__ import annotations

import struct

import numpy as np

from lab.errors import LabError
from lab.measure.pesq_score import LONGEST_S, narrow_band_mos
from lab.measure.samples import Samples
from lab.measure.speech import RATE_HZ

HEADER_BYTES = 44
"""RIFF, WAVE, a `fmt ` chunk of 16 bytes and the head of one further chunk: to the program, all."""
SOFTWARE = b"Lavf58.76.100\0"
"""What FFmpeg 4.4 calls itself in the files that it writes."""


def header_mos(clip: Samples, recording: Samples) -> float | None:
    """MOS-LQO of a whole recording as the study would have it (8 kHz, full scale 1.0).

    None where PESQ finds nothing to compare, or the clip is longer than it takes.
    """
    if len(clip) > LONGEST_S * RATE_HZ:
        return None
    try:
        return narrow_band_mos(np.concatenate([header_heard(len(clip)), clip]), recording)
    except LabError:
        return None


def header_heard(samples: int) -> Samples:
    """What is heard of FFmpeg's header before so many samples of 16 bits: what follows byte 44.

    Behind `fmt ` come the chunks `LIST`, of type INFO with the writing software (ISFT) in it, and
    `data` (Microsoft and IBM, Multimedia Programming Interface and Data Specifications 1.0).
    """
    info = b"INFO" + _chunk(b"ISFT", SOFTWARE)
    header = bytes(HEADER_BYTES - 8) + _chunk(b"LIST", info)
    header += struct.pack("<4sI", b"data", 2 * samples)
    return pcm_from_byte_44(header)


def pcm_from_byte_44(file: bytes) -> Samples:
    """All that the program takes for 16-bit samples of a file, full scale 1.0."""
    content = file[HEADER_BYTES:]
    return np.frombuffer(content[: len(content) // 2 * 2], "<i2").astype(np.float64) / 32768


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack("<4sI", name, len(content)) + content
