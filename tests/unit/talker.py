"""A synthetic talker: voiced syllables with gliding formants and pitch, fricatives, pauses.

No speech can be shipped with the tests, and noise would not do: PESQ and the search for the
clip both live on pitch, syllables and pauses. The same seed says the same words.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from lab.measure.wav import Wav

Samples = NDArray[np.float64]

VOWELS_HZ = (
    (730, 1090, 2440),
    (270, 2290, 3010),
    (300, 870, 2240),
    (530, 1840, 2480),
    (570, 840, 2410),
    (660, 1720, 2410),
    (490, 1350, 1690),
)
"""Formants after Peterson and Barney (1952), table II, men."""


def speak(seed: int, seconds: float, rate_hz: int = 8_000) -> Samples:
    """Sentences of 1.5 to 3 s with pauses of 0.3 to 0.7 s; full scale 1.0."""
    random = np.random.default_rng(seed)
    parts: list[Samples] = [np.zeros(round(0.4 * rate_hz))]
    while sum(map(len, parts)) < seconds * rate_hz:
        parts += [_syllable(random, rate_hz) for _ in range(random.integers(8, 15))]
        parts.append(np.zeros(round(random.uniform(0.3, 0.7) * rate_hz)))
    samples: Samples = np.concatenate(parts)[: round(seconds * rate_hz)]
    return np.asarray(samples * (0.5 / np.max(np.abs(samples))))


def wav(samples: Samples, rate_hz: int = 8_000, name: str = "synthetic") -> Wav:
    """One channel as `lab.measure` takes it, rounded to 16 bits."""
    return Wav(np.rint(samples * 32767)[:, None] / 32768, rate_hz, name)


def _syllable(random: np.random.Generator, rate_hz: int) -> Samples:
    length = round(random.uniform(0.12, 0.28) * rate_hz)
    pitch = random.uniform(95, 170) * np.linspace(1, random.uniform(0.85, 1.15), length)
    phase = np.cumsum(pitch / rate_hz)
    pulses = np.diff(np.floor(phase), prepend=0.0)
    voiced = lfilter([1.0], [1.0, -0.95], pulses)
    start, end = random.choice(len(VOWELS_HZ), 2)
    for first, last in zip(VOWELS_HZ[start], VOWELS_HZ[end], strict=True):
        halves = np.array_split(voiced, 2)
        centres = (0.75 * first + 0.25 * last, 0.25 * first + 0.75 * last)
        voiced = np.concatenate(
            [_resonance(half, hz, rate_hz) for half, hz in zip(halves, centres, strict=True)]
        )
    voiced *= np.hanning(length + 2)[1:-1] ** 0.25 / (np.max(np.abs(voiced)) + 1e-9)
    if random.random() < 0.5:
        hiss = random.normal(0, 0.15, round(random.uniform(0.04, 0.1) * rate_hz))
        voiced = np.concatenate([np.diff(hiss, prepend=0.0), voiced])
    return np.asarray(voiced * random.uniform(0.4, 1.0))


def _resonance(samples: Samples, centre_hz: float, rate_hz: int) -> Samples:
    radius = np.exp(-np.pi * 90 / rate_hz)
    angle = 2 * np.pi * centre_hz / rate_hz
    coefficients = [1.0, -2 * radius * np.cos(angle), radius**2]
    return np.asarray(lfilter([1 - radius], coefficients, samples))
