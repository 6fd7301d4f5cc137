"""What a listener misses, straight from the audio: gaps and altered speech.

A second opinion beside PESQ, which weighs a long gap hardly more than a short one and says
nothing about how many there are.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lab.measure.alignment import Alignment
from lab.measure.correlation import BAND_HZ, emphasised_part, part
from lab.measure.samples import Samples
from lab.measure.speech import LOWEST_HZ, RATE_HZ, SILENT_DB, active_level_db, audible, levels_db

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
QUIET_PERCENT = 10
HUM_DB = 15.0
"""A recording's quietest tenth is hum where it is so much louder with the band below 300 Hz than
without. Then frames are compared above it: a lost packet hums on."""
BLOCK_FRAMES = 2_000
"""Frames compared at once, which takes 60 MB; a call of an hour has fifty times as many."""


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
    lowest_hz = BAND_HZ[0] if _hums(clip) or _hums(recording) else LOWEST_HZ
    blocks = [
        _compared(
            clip,
            recording,
            starts[at : at + BLOCK_FRAMES],
            delays[:, at : at + BLOCK_FRAMES],
            lowest_hz,
        )
        for at in range(0, len(starts), BLOCK_FRAMES)
    ]
    sent, heard, likeness = np.concatenate(blocks, axis=1)
    alike = likeness >= LIKE
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


def _hums(samples: Samples) -> bool:
    """Whether what is there between the words is deeper than speech: the mains, a motor."""
    deep, high = (
        float(np.percentile(levels_db(samples, FRAME, lowest_hz=lowest), QUIET_PERCENT))
        for lowest in (LOWEST_HZ, BAND_HZ[0])
    )
    return deep > SILENT_DB and deep > high + HUM_DB


def _compared(
    clip: Samples,
    recording: Samples,
    starts: NDArray[np.int64],
    delays: NDArray[np.int64],
    lowest_hz: float,
) -> NDArray[np.float64]:
    """Of frames that follow one another: level sent, level heard, likeness; a row each."""
    sent, heard = _Excerpt(clip, starts), _Excerpt(recording, starts + delays)
    shape = sent.shapes(starts)
    likeness = np.stack([_alike(shape, heard.shapes(starts + row)) for row in delays])
    delay = delays[np.argmax(likeness, axis=0), np.arange(len(starts))]
    levels = sent.levels(starts, lowest_hz), heard.levels(starts + delay, lowest_hz)
    return np.stack([*levels, likeness.max(axis=0)])


class _Excerpt:
    """The part of a signal in which some frames are."""

    def __init__(self, samples: Samples, starts: NDArray[np.int64]) -> None:
        self._samples = samples
        margin = CONTEXT + FRAME
        self._first = int(starts.min()) - margin
        self._last = int(starts.max()) + FRAME + margin

    @cached_property
    def _emphasised(self) -> NDArray[np.float64]:
        return emphasised_part(self._samples, self._first, self._last)

    def levels(self, starts: NDArray[np.int64], lowest_hz: float) -> NDArray[np.float64]:
        """The level of every frame, above `lowest_hz`."""
        # The filter starts with the first sample it meets, so it meets some before.
        first = self._first - RATE_HZ // 10
        sound = part(self._samples, first, self._last)
        inside = max(0, -first)
        sound[inside:] = next(
            audible(sound[inside:], len(sound), lowest_hz=lowest_hz), sound[inside:]
        )
        rows = sound[(starts - first)[:, None] + np.arange(FRAME)]
        return np.asarray(10 * np.log10(np.mean(rows**2, axis=1) + 1e-12))

    def shapes(self, starts: NDArray[np.int64]) -> NDArray[np.float64]:
        """Every frame with its surroundings, emphasised."""
        begins = starts - CONTEXT - self._first
        rows: NDArray[np.float64] = self._emphasised[
            begins[:, None] + np.arange(FRAME + 2 * CONTEXT)
        ]
        return rows


def _alike(sent: NDArray[np.float64], heard: NDArray[np.float64]) -> NDArray[np.float64]:
    """|correlation| of every row with the same row."""
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
