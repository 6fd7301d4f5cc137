"""Make the lab's default clip: 30 s of read speech with pauses, at 8, 16, 32 and 48 kHz.

    make_clip.py SENTENCES_DIRECTORY OTHER_TALKER_DIRECTORY OUTPUT_DIRECTORY

Beside it 30 s of another talker, who says something else: what no score may take for the clip.

Runs while the image is built, on Debian's `pocketsphinx-testdata`; standard library only,
and the same input always gives the same bytes. The level is that of ITU-T P.56, method B.
"""

from __future__ import annotations

import math
import sys
import wave
from array import array
from collections.abc import Sequence
from operator import mul
from pathlib import Path

RATE_HZ = 16000
CLIP_S = 30.0
LEAD_S = 0.5
TAIL_S = 0.9
"""Long enough that a late last packet costs silence, not speech."""
LEVEL_DBOV = -26.0
"""Active speech level; ITU-T P.800 recommends it for listening material."""

LICENSE = """\
clip-8k.wav, clip-16k.wav, clip-32k.wav and clip-48k.wav: five sentences of "Sense and
Sensibility" by Jane Austen, read for LibriVox. LibriVox recordings are in the public domain; the
text is, too. other-8k.wav: names of playing cards, recorded for pocketsphinx.
All were taken from Debian's package pocketsphinx-testdata (pocketsphinx, Copyright
1995-2014 Carnegie Mellon University, 2014-2015 Alpha Cephei Inc., BSD-2-clause licence:
redistribution and use in source and binary forms, with or without modification, are
permitted provided that the copyright notice and the disclaimer of that licence are kept;
provided "as is", without any warranty). Changes made: put one after the other with pauses,
set to an active speech level of -26 dBov (ITU-T P.56), low-passed for the 8 kHz version,
interpolated for those above 16 kHz.
"""


def read_sentence(path: Path) -> array[int]:
    """The samples of a 16 kHz, 16-bit mono WAV; SystemExit for any other kind."""
    with wave.open(str(path)) as wav:
        kind = (wav.getframerate(), wav.getsampwidth(), wav.getnchannels())
        if kind != (RATE_HZ, 2, 1):
            raise SystemExit(f"{path}: (rate, sample width, channels) is {kind}")
        return array("h", wav.readframes(wav.getnframes()))


def arrange(sentences: Sequence[Sequence[int]]) -> list[float]:
    """The sentences with equal pauses between them, `CLIP_S` long in all."""
    spoken = sum(len(sentence) for sentence in sentences)
    lead, tail, total = (round(seconds * RATE_HZ) for seconds in (LEAD_S, TAIL_S, CLIP_S))
    pause = (total - lead - tail - spoken) // (len(sentences) - 1)
    if pause < RATE_HZ // 4:
        raise SystemExit(f"{spoken / RATE_HZ:.1f} s of speech leave no room for pauses")
    samples = [0.0] * lead
    for sentence in sentences:
        samples.extend(float(sample) for sample in sentence)
        samples.extend([0.0] * pause)
    return (samples + [0.0] * total)[:total]


def active_level_dbov(samples: Sequence[float], rate_hz: int) -> float:
    """Active speech level, dB relative to full scale, and silence left out (P.56, method B)."""
    decay = math.exp(-1 / (rate_hz * 0.03))
    hangover = round(0.2 * rate_hz)
    thresholds = [32768 / 2**exponent for exponent in range(15, 0, -1)]
    active = [0] * len(thresholds)
    last_above = [-hangover] * len(thresholds)
    energy = smooth = envelope = 0.0
    for position, sample in enumerate(samples):
        energy += sample * sample
        smooth = decay * smooth + (1 - decay) * abs(sample)
        envelope = decay * envelope + (1 - decay) * smooth
        for index, threshold in enumerate(thresholds):
            if envelope >= threshold:
                last_above[index] = position
            elif position - last_above[index] >= hangover:
                continue
            active[index] += 1
    return _level_at_margin(energy, thresholds, active)


def _level_at_margin(energy: float, thresholds: list[float], active: list[int]) -> float:
    """Where the level is 15.9 dB above its own threshold, interpolated between thresholds."""
    margin_db = 15.9
    before: tuple[float, float] | None = None
    for threshold, count in zip(thresholds, active, strict=True):
        if not count:
            break
        level = 10 * math.log10(energy / count / 32768**2)
        excess = level - 20 * math.log10(threshold / 32768) - margin_db
        if excess <= 0:
            if before is None:
                return level
            level_before, excess_before = before
            share = excess_before / (excess_before - excess)
            return level_before + share * (level - level_before)
        before = (level, excess)
    raise SystemExit("the material is silent or all of one level")


def halve_rate(samples: Sequence[float]) -> list[float]:
    """Every second sample after a linear-phase low-pass at 3.7 kHz."""
    taps = _low_pass(half=96, cutoff=3700 / RATE_HZ)
    padded = [0.0] * 96 + list(samples) + [0.0] * 96
    return [sum(map(mul, taps, padded[n : n + len(taps)])) for n in range(0, len(samples), 2)]


def multiply_rate(samples: Sequence[float], factor: int) -> list[float]:
    """`factor` samples for every one, interpolated by a linear-phase low-pass at 7.4 kHz."""
    reach = 32
    taps = _low_pass(half=reach * factor, cutoff=7400 / (factor * RATE_HZ))
    padded = [0.0] * reach + [factor * sample for sample in samples] + [0.0] * (reach + 1)
    # Only every factor-th tap meets a sample; which ones depends on the place between them.
    phases = [taps[(factor - phase) % factor :: factor] for phase in range(factor)]
    begins = [0] + [1] * (factor - 1)
    return [
        sum(map(mul, phase, padded[n + begin : n + begin + len(phase)]))
        for n in range(len(samples))
        for phase, begin in zip(phases, begins, strict=True)
    ]


def _low_pass(half: int, cutoff: float) -> list[float]:
    """2 * half + 1 taps, of a sum of 1; Kaiser window, -80 dB; `cutoff` is a share of the rate."""
    beta = 7.86
    taps = []
    for n in range(-half, half + 1):
        window = _bessel0(beta * math.sqrt(1 - (n / half) ** 2)) / _bessel0(beta)
        ideal = 2 * cutoff if n == 0 else math.sin(2 * math.pi * cutoff * n) / (math.pi * n)
        taps.append(ideal * window)
    gain = sum(taps)
    return [tap / gain for tap in taps]


def _bessel0(x: float) -> float:
    term = total = 1.0
    for k in range(1, 40):
        term *= (x / 2 / k) ** 2
        total += term
    return total


def write_wav(path: Path, samples: Sequence[float], rate_hz: int) -> None:
    """A 16-bit mono WAV with the plain 44-byte header."""
    whole = array("h", (max(-32768, min(32767, round(sample))) for sample in samples))
    with wave.open(str(path), "wb") as wav:
        wav.setnchannels(1)
        wav.setsampwidth(2)
        wav.setframerate(rate_hz)
        wav.writeframes(whole.tobytes())


def at_level(samples: Sequence[float]) -> list[float]:
    """The samples, of `RATE_HZ`, with an active speech level of `LEVEL_DBOV`."""
    gain = 10 ** ((LEVEL_DBOV - active_level_dbov(samples, RATE_HZ)) / 20)
    return [sample * gain for sample in samples]


def read_sentences(source: Path) -> list[array[int]]:
    """The sentences of a directory in the order of their names."""
    return [read_sentence(path) for path in sorted(source.glob("*.wav"))]


def main(source: Path, other: Path, target: Path) -> None:
    """Write all clips, the other talker's and the licence."""
    wide = at_level(arrange(read_sentences(source)))
    target.mkdir(parents=True, exist_ok=True)
    write_wav(target / "clip-16k.wav", wide, RATE_HZ)
    write_wav(target / "clip-8k.wav", halve_rate(wide), RATE_HZ // 2)
    for factor in (2, 3):
        rate_hz = factor * RATE_HZ
        write_wav(target / f"clip-{rate_hz // 1000}k.wav", multiply_rate(wide, factor), rate_hz)
    # Twice the same: there is speech for half of the time only.
    another = at_level(arrange(2 * read_sentences(other)))
    write_wav(target / "other-8k.wav", halve_rate(another), RATE_HZ // 2)
    (target / "LICENSE").write_text(LICENSE, encoding="utf-8")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))
