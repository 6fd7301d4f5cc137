"""What a listener misses, straight from the audio: gaps and altered speech.

A second opinion beside PESQ, which weighs a long gap hardly more than a short one and says
nothing about how many there are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lab.measure.alignment import Alignment
from lab.measure.correlation import emphasised
from lab.measure.speech import RATE_HZ, active_level_db, levels_db
from lab.measure.wav import Samples

FRAME = 160
"""Samples per frame, 20 ms: one packet."""
SPOKEN_DB = 20.0
"""A frame this close to the clip's active level must be heard; fainter ones are word ends."""
MISSING_DB = 20.0
"""A frame this much weaker than sent is missing. Codecs stay within 6 dB frame by frame;
concealment that fades out is below -20 dB after 60 ms (G.711 Appendix I)."""
SHORTEST_GAP_FRAMES = 2
"""A single weak frame is a matter of alignment; two, 40 ms, are audible."""
CONTEXT = 240
"""Samples around a frame that are compared with it, 30 ms on each side."""
LIKE = 0.4
"""A frame whose waveform correlates less than this with what was sent is altered: concealed,
stretched or distorted. Without loss 0 % of the frames fall below it with G.711 and Opus, 4-7 %
with GSM and Speex."""
BLOCK_FRAMES = 2_000
"""Frames compared at once, which takes 20 MB; a call of an hour has fifty times as many."""


@dataclass(frozen=True, slots=True)
class Damage:
    """Shares of the clip's spoken frames; all None where the clip was not found."""

    missing_share: float | None
    """Spoken frames that are silent in the recording."""
    altered_share: float | None
    """Spoken frames that sound, but not as sent: concealed, stretched or distorted."""
    gaps: int | None
    """How often speech is missing for 40 ms or longer."""
    longest_gap_ms: float | None


UNKNOWN = Damage(None, None, None, None)


def damage(clip: Samples, recording: Samples, alignment: Alignment) -> Damage:
    """Compare every spoken frame of the clip with the recording (8 kHz, one dimension)."""
    if not alignment.found or len(recording) < FRAME:
        return UNKNOWN
    spoken = levels_db(clip, FRAME) > active_level_db(clip) - SPOKEN_DB
    frames = np.concatenate(
        [np.arange(m.segment.start // FRAME, m.segment.end // FRAME) for m in alignment.matches]
    )
    frames = frames[spoken[frames]]
    if not len(frames):
        return UNKNOWN
    starts = frames * FRAME
    # Delay may change inside a piece of speech: the neighbours' delays are tried as well.
    delays = np.stack([alignment.delays_at(starts + side) for side in (0, -RATE_HZ, RATE_HZ)])
    shapes = emphasised(clip), emphasised(recording)
    likeness = np.stack([_likeness(*shapes, starts, row) for row in delays])
    best = np.argmax(likeness, axis=0)
    delay = delays[best, np.arange(len(starts))]
    sent = _levels(clip, starts)
    heard = _levels(recording, starts + delay)
    alike = likeness.max(axis=0) >= LIKE
    # Of what arrived alone: where most of the speech is missing, it is not the usual level.
    gain = float(np.percentile((heard - sent)[alike if alike.any() else slice(None)], 75))
    missing = heard < sent + gain - MISSING_DB
    altered = ~missing & ~alike
    gaps = _runs(frames, missing)
    return Damage(
        missing_share=float(missing.mean()),
        altered_share=float(altered.mean()),
        gaps=len(gaps),
        longest_gap_ms=float(max(gaps, default=0) * FRAME * 1000 / RATE_HZ),
    )


def _cut(samples: Samples, starts: NDArray[np.int64], before: int, length: int) -> Samples:
    """Rows of `length` samples from `starts - before`; silence outside the audio."""
    padded = np.pad(samples, (length, length))
    index = np.clip(starts - before, -length, len(samples)) + length
    rows: Samples = padded[index[:, None] + np.arange(length)]
    return rows


def _levels(samples: Samples, starts: NDArray[np.int64]) -> NDArray[np.float64]:
    power = np.mean(_cut(samples, starts, 0, FRAME) ** 2, axis=1)
    return np.asarray(10 * np.log10(power + 1e-12))


def _likeness(
    clip: Samples, recording: Samples, starts: NDArray[np.int64], delays: NDArray[np.int64]
) -> NDArray[np.float64]:
    """|correlation| of every frame and its surroundings with the recording at that delay."""
    blocks = range(0, len(starts), BLOCK_FRAMES)
    return np.concatenate(
        [
            _likeness_of_block(
                clip, recording, starts[at : at + BLOCK_FRAMES], delays[at : at + BLOCK_FRAMES]
            )
            for at in blocks
        ]
    )


def _likeness_of_block(
    clip: Samples, recording: Samples, starts: NDArray[np.int64], delays: NDArray[np.int64]
) -> NDArray[np.float64]:
    length = FRAME + 2 * CONTEXT
    sent = _cut(clip, starts, CONTEXT, length)
    heard = _cut(recording, starts + delays, CONTEXT, length)
    energy = np.sum(sent**2, axis=1) * np.sum(heard**2, axis=1)
    return np.asarray(np.abs(np.sum(sent * heard, axis=1)) / np.sqrt(energy + 1e-12))


def _runs(frames: NDArray[np.int64], missing: NDArray[np.bool_]) -> list[int]:
    """Lengths of runs of missing frames; frames that are not spoken do not interrupt one."""
    runs: list[int] = []
    start = last = None
    for frame, gone in zip(frames.tolist(), missing.tolist(), strict=True):
        if gone:
            start = frame if start is None else start
            last = frame
        elif start is not None and last is not None:
            runs.append(last - start + 1)
            start = None
    if start is not None and last is not None:
        runs.append(last - start + 1)
    return [run for run in runs if run >= SHORTEST_GAP_FRAMES]
