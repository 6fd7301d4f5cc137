"""PESQ: the raw score of P.862 and the listening quality of P.862.1 and P.862.2.

PyPI `pesq` wraps the ITU-T reference code and returns listening quality (MOS-LQO): in its
mode "nb" after the mapping of P.862.1, in "wb" after that of P.862.2. The raw score is the
narrow-band value with the mapping undone; the mapping is strictly monotone, so nothing is lost.
"""

from __future__ import annotations

import threading
from math import exp, isfinite, log

import numpy as np
import pesq as itu
from scipy.ndimage import binary_closing

from lab.errors import LabError
from lab.measure.samples import Samples, to_pcm16
from lab.measure.speech import levels_db

LONGEST_S = 32.0
"""P.862 is validated for 8-30 s. The clips that the studies call "30 s" last up to 30.7 s."""
MOST_BURSTS = 45
"""The reference code keeps 50 utterances, parts of the reference of 200 ms or more with 200 ms
or more between them, and corrupts memory beyond. Speech of 30 s has 19 to 30."""
BURST_S = 0.15
"""Shorter than the code's 200 ms, because its own threshold of activity is not known here."""

_ONE_AT_A_TIME = threading.Lock()
"""The reference code keeps its state in variables of the whole process."""


def mos_from_raw(raw: float) -> float:
    """MOS-LQO of a raw narrow-band score (ITU-T P.862.1 eq. 1)."""
    return 0.999 + 4.0 / (1.0 + exp(-1.4945 * raw + 4.6607))


def raw_from_mos(mos: float) -> float:
    """The raw narrow-band score of a MOS-LQO in (0.999, 4.999): P.862.1 eq. 1 undone."""
    if not 0.999 < mos < 4.999:
        raise ValueError(f"{mos} is outside the range of P.862.1")
    return (4.6607 - log(4.0 / (mos - 0.999) - 1.0)) / 1.4945


def narrow_band_mos(reference: Samples, recording: Samples) -> float:
    """MOS-LQO (P.862 with P.862.1) of 8 kHz audio, one dimension, full scale 1.0.

    Raises LabError where the algorithm finds no speech to compare.
    """
    return _run(8_000, reference, recording, "nb")


def wide_band_mos(reference: Samples, recording: Samples) -> float:
    """MOS-LQO (P.862.2) of 16 kHz audio, one dimension, full scale 1.0.

    Raises LabError where the algorithm finds no speech to compare.
    """
    return _run(16_000, reference, recording, "wb")


def _run(rate_hz: int, reference: Samples, recording: Samples, mode: str) -> float:
    longest = max(len(reference), len(recording)) / rate_hz
    if longest > 2 * LONGEST_S:
        raise LabError(f"PESQ does not take {longest:.0f} s of audio.", "Score it in windows.")
    if _bursts(reference, rate_hz) > MOST_BURSTS:
        raise LabError("PESQ could not compare the audio: the reference is too broken up.")
    try:
        with _ONE_AT_A_TIME:
            mos = float(itu.pesq(rate_hz, to_pcm16(reference), to_pcm16(recording), mode))
    except (itu.PesqError, ValueError, ZeroDivisionError) as error:
        detail = error.args[0] if error.args else error
        text = detail.decode() if isinstance(detail, bytes) else str(detail)
        raise LabError(f"PESQ could not compare the audio: {text.rstrip('.')}.") from error
    if not isfinite(mos):
        raise LabError("PESQ could not compare the audio: the result is not a number.")
    return mos


def _bursts(samples: Samples, rate_hz: int) -> int:
    """The most separate sounds that the audio has at any threshold of activity."""
    levels = levels_db(samples, rate_hz // 250, rate_hz)
    shortest = round(BURST_S * 250)
    most = 0
    for below_db in range(5, 65, 5):
        active = levels > np.max(levels, initial=-120.0) - below_db
        joined = binary_closing(np.pad(active, shortest), np.ones(shortest, dtype=bool))
        edges = np.flatnonzero(np.diff(joined.astype(np.int8)))
        most = max(most, int(np.sum(np.diff(edges.reshape(-1, 2), axis=1) >= shortest)))
    return most
