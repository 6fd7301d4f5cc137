"""pjmedia's silence detector: which frames of speech a phone with VAD leaves out.

Written anew after reading pjproject 2.15.1 (`silencedet.c`, `g711.c`, `gsm.c`, `stream.c`). The
level of a frame is the mean of its samples' magnitudes, 16 bits. What is below a threshold for long
enough is silence, and the threshold follows the levels heard.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

import numpy as np

from lab.measure.playout.wsola import Pcm

THRESHOLD = 1000
"""To begin with."""
BEFORE_SILENCE_MS = 400
VOICED_MS, SILENT_MS = 4000, 2000
"""After so long in one state the threshold is taken anew."""
SUSPENDED_MS = 600
"""A stream sends all in the beginning."""
LONGEST_SILENCE_MS = 5000
"""Then one frame is sent, so that nobody takes the stream for dead."""


class _State(Enum):
    SILENCE = "silence"
    STARTING = "silence, perhaps"
    VOICED = "voiced"


class SilenceDetector:
    """One run of it; `frame_ms` is how long it takes a frame to be."""

    def __init__(self, frame_ms: int) -> None:
        self._frame_ms = frame_ms
        self._state = _State.SILENCE
        self._threshold = THRESHOLD
        self._sum = self._count = 0
        self._silent_ms = self._voiced_ms = 0

    def is_silence(self, frame: Pcm) -> bool:
        """Whether the next frame is silence."""
        level = int(np.abs(frame.astype(np.int64)).sum()) // len(frame)
        self._sum += level
        self._count += 1
        if level > self._threshold:
            self._hear_voice(level)
        else:
            self._hear_nothing(level)
        return self._state is _State.SILENCE

    @property
    def _recent(self) -> int:
        return self._sum // self._count

    def _hear_voice(self, level: int) -> None:
        self._silent_ms = 0
        self._voiced_ms += self._frame_ms
        if self._state is not _State.VOICED:
            self._state = _State.VOICED
            self._begin(level)
        elif self._voiced_ms > VOICED_MS:
            self._voiced_ms = 0
            self._threshold = (self._recent + self._threshold) >> 1
            self._begin(self._recent)

    def _hear_nothing(self, level: int) -> None:
        self._voiced_ms = 0
        self._silent_ms += self._frame_ms
        if self._state is _State.SILENCE:
            if self._silent_ms >= SILENT_MS:
                self._silent_ms = 0
                self._become_quiet()
            return
        if self._state is _State.VOICED:
            self._state = _State.STARTING
            self._begin(level)
        if self._silent_ms >= BEFORE_SILENCE_MS:
            self._state = _State.SILENCE
            self._become_quiet()

    def _become_quiet(self) -> None:
        self._threshold = self._recent << 1
        self._begin(self._recent)

    def _begin(self, level: int) -> None:
        self._sum, self._count = level, 1


def sent_of(frames: Sequence[Pcm], frame_ms: int, taken_for_ms: int) -> tuple[bool, ...]:
    """Which frames are sent; `taken_for_ms` is the length that the detector takes them to have.

    pjmedia's G.711 gives it 20 ms for 10, and so holds on for 800 ms after speech.
    """
    detector = SilenceDetector(taken_for_ms)
    sent, unsent_ms = [], 0
    for number, frame in enumerate(frames):
        out = number * frame_ms < SUSPENDED_MS or not detector.is_silence(frame)
        unsent_ms = 0 if out else unsent_ms + frame_ms
        if unsent_ms >= LONGEST_SILENCE_MS:
            out, unsent_ms = True, 0
        sent.append(out)
    return tuple(sent)
