"""What a reference clip can reach, and what it must not: computed once per clip.

The ceiling is the score of the clip through each codec without a network: no call scores
higher, except by chance. The negative controls are recordings that are not the clip: what PESQ
makes of them shows how little a bare score means, and none may be called valid.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lab.clip.offline_codec import CodecError, apply_codec
from lab.measure.samples import Samples
from lab.measure.score import Score, score
from lab.measure.speech import RATE_HZ, pauses
from lab.measure.wav import Wav, read_wav

CODECS = ("PCMU", "PCMA", "GSM", "SPEEX", "ILBC", "G722")
"""Those that have one rate; what is asked of Opus is computed when it is asked for."""
CUT_S = 4.0
"""Too short a piece of the clip to be a call."""
PARTS = 5
"""Into how many parts, at pauses, the clip is divided for another order."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One codec or one control against the clip; None where it could not be scored."""

    name: str
    pesq_raw: float | None
    pesq_mos: float | None
    valid: bool


@dataclass(frozen=True, slots=True)
class Ceiling:
    """The frame within which the scores of calls of one clip lie."""

    reference: str
    sha256: str
    """Of the clip as read (8 kHz, 16 bit): the key under which to keep this."""
    codecs: tuple[Trial, ...]
    """`identity`, then the codecs this host can apply."""
    unavailable: tuple[str, ...]
    """Codecs this host cannot apply."""
    failed: tuple[str, ...]
    """What went wrong where a codec is here: another time it may not."""
    controls: tuple[Trial, ...]
    """Each must be invalid."""

    @property
    def trustworthy(self) -> bool:
        """Every codec's output is recognised as the clip, and no control is."""
        return all(p.valid for p in self.codecs) and not any(p.valid for p in self.controls)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self) | {"trustworthy": self.trustworthy}


def ceiling(
    reference: Path | Wav,
    codecs: Sequence[str] = CODECS,
    others: Iterable[Path | Wav] = (),
    seed: int = 0,
) -> Ceiling:
    """The ceiling and the negative controls of a clip; the same seed, the same result.

    `others` are recordings of other speech. Raises LabError for files that cannot be read,
    for a clip without speech and for unknown codecs.
    """
    clip = reference if isinstance(reference, Wav) else read_wav(reference)
    samples = clip.mono(RATE_HZ)
    trials = [_trial("identity", score(clip, clip))]
    unavailable, failed = [], []
    for name in codecs:
        try:
            coded = apply_codec(name, clip)
        except CodecError as error:
            failed.append(f"{name}: {error.message}")
            continue
        if coded is None:
            unavailable.append(name)
        else:
            trials.append(_trial(name, score(clip, coded)))
    controls = [
        _trial(name, score(clip, Wav(audio[:, None], RATE_HZ, name)))
        for name, audio in _altered(samples, np.random.default_rng(seed)).items()
    ]
    for other in others:
        wav = other if isinstance(other, Wav) else read_wav(other)
        controls.append(_trial(f"other speech: {wav.name}", score(clip, wav)))
    return Ceiling(
        reference=clip.name,
        sha256=clip_hash(clip),
        codecs=tuple(trials),
        unavailable=tuple(unavailable),
        failed=tuple(failed),
        controls=tuple(controls),
    )


def clip_hash(clip: Wav) -> str:
    """A fingerprint of the audio alone: the same for the same clip in another container."""
    pcm = np.rint(clip.mono(RATE_HZ) * 32768).astype("<i4")
    return hashlib.sha256(pcm.tobytes()).hexdigest()


def _trial(name: str, result: Score) -> Trial:
    return Trial(name, result.pesq_raw, result.pesq_mos, result.valid)


def _altered(clip: Samples, random: np.random.Generator) -> dict[str, Samples]:
    """What a recording must not be taken for the clip in: one per way of being wrong."""
    level = float(np.std(clip))
    altered = {
        "reversed": clip[::-1].copy(),
        "noise": random.normal(0.0, level, len(clip)),
        "silence": np.zeros(len(clip)),
        f"cut to {CUT_S:.0f} s": clip[: round(CUT_S * RATE_HZ)],
    }
    gaps = sorted(pauses(clip), key=lambda pause: pause.start - pause.end)[: PARTS - 1]
    if gaps:
        cuts = sorted((gap.start + gap.end) // 2 for gap in gaps)
        altered["another order"] = np.concatenate(np.split(clip, cuts)[::-1])
    return altered
