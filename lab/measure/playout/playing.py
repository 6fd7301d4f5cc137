"""What is heard, frame by frame, when the frames that came pass a playout buffer.

A phone takes a frame at every turn of its sound clock, and its own packets leave at the same
turns: where they were captured they say when. pjmedia's stream (2.15.1, `stream.c`) makes up what
is not there, for 240 ms at a stretch, and is silent then.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np

from lab.measure.capture import Floats
from lab.measure.pcap import Ints
from lab.measure.playout.coded import CodedVoice
from lab.measure.playout.pjmedia_buffer import BufferSettings, Got, JitterBuffer
from lab.measure.rtp import Stream

LONGEST_CONCEALMENT_MS = 240
TAIL_TURNS = 3
"""Turns after the last frame was played, for the concealment to end."""


class Heard(Enum):
    """What is played for the length of a frame."""

    FRAME = "frame"
    CONCEALED = "concealed"
    SILENCE = "silence"


@dataclass(frozen=True, slots=True, eq=False)
class PlayedVoice:
    """What is heard; every array has one entry per frame's time."""

    voice: CodedVoice
    at_ns: Ints
    """When it is heard."""
    heard: tuple[Heard, ...]
    got: tuple[Got, ...]
    """What the buffer gave for it."""
    index: Ints
    """Of the frame that is played, or should have been; -1 where the buffer gave none."""
    refused: Ints
    """Indices of frames that came when their turn was over."""

    @property
    def waited_ms(self) -> Floats:
        """How long each frame that is heard had been there."""
        arrived = dict(zip(self.voice.index.tolist(), self.voice.arrival_ns.tolist(), strict=True))
        return np.array(
            [
                (at - arrived[index]) / 1e6
                for at, index, heard in zip(
                    self.at_ns.tolist(), self.index.tolist(), self.heard, strict=True
                )
                if heard is Heard.FRAME
            ]
        )


def turns_ns(voice: CodedVoice, sent: Stream | None) -> Ints:
    """When the phone took what it played, before the first packet came until after the last.

    `sent` is what the same phone sent. Without it the turns are taken to have begun with the
    first packet's arrival.
    """
    step = voice.ptime_ms * 1_000_000
    begin, end = int(voice.arrival_ns.min()), int(voice.arrival_ns.max())
    own = np.zeros(0, np.int64)
    if sent is not None and len(sent) > 1:
        own = _own_turns(sent, step)
        if own[-1] < begin or own[0] > end:
            own = own[:0]
    if not len(own):
        own = np.array([begin], np.int64)
    before = max(0, -(-(int(own[0]) - begin) // step)) + 1
    after = max(0, -(-(end - int(own[-1])) // step)) + 1
    return np.concatenate(
        [
            own[0] - step * np.arange(before, 0, -1),
            own,
            own[-1] + step * np.arange(1, after + 1),
        ]
    )


def _own_turns(sent: Stream, step_ns: int) -> Ints:
    """When packets left, and where the sender was silent, when they would have.

    A phone that was held up makes up for it: its turns come late, then close together.
    """
    order = np.argsort(sent.time_ns, kind="stable")
    times = sent.time_ns[order]
    steps = np.diff(sent.media_ms[order]) * 1e6 / step_ns
    silent = np.maximum(0, np.rint(steps).astype(np.int64) - 1)
    filled = [times[:1]]
    for at, missing in zip(times[1:].tolist(), silent.tolist(), strict=True):
        if missing:
            filled.append(at - step_ns * np.arange(missing, 0, -1))
        filled.append(np.array([at]))
    return np.concatenate(filled)


def play(voice: CodedVoice, settings: BufferSettings, turns: Ints) -> PlayedVoice:
    """Play what came; turns go on at the last one's pace until all of it was heard."""
    return _Player(voice, settings).run(turns)


class _Player:
    def __init__(self, voice: CodedVoice, settings: BufferSettings) -> None:
        self._voice = voice
        self._buffer = JitterBuffer(settings)
        self._per_turn = max(1, voice.ptime_ms // voice.frame_ms)
        self._most = -(-LONGEST_CONCEALMENT_MS // voice.frame_ms)
        self._made_up = self._most
        """Frames concealed in a row; before the first frame nothing is."""
        self._rows: list[tuple[int, Heard, Got, int]] = []

    def run(self, turns: Ints) -> PlayedVoice:
        voice = self._voice
        order = np.argsort(voice.arrival_ns, kind="stable")
        arrivals = list(
            zip(voice.arrival_ns[order].tolist(), voice.index[order].tolist(), strict=True)
        )
        come, refused, left = 0, [], TAIL_TURNS
        times = turns.tolist()
        step = voice.ptime_ms * 1_000_000
        at = times[0]
        number = 0
        while left > 0:
            while come < len(arrivals) and arrivals[come][0] <= at:
                if not self._buffer.put(arrivals[come][1]):
                    refused.append(arrivals[come][1])
                come += 1
            self._turn(at)
            if come == len(arrivals) and not self._buffer.held:
                left -= 1
            elif come == len(arrivals) and self._buffer.filling:
                break
            number += 1
            at = times[number] if number < len(times) else at + step
        return PlayedVoice(
            voice,
            np.array([row[0] for row in self._rows], np.int64),
            tuple(row[1] for row in self._rows),
            tuple(row[2] for row in self._rows),
            np.array([row[3] for row in self._rows], np.int64),
            np.array(refused, np.int64),
        )

    def _turn(self, at_ns: int) -> None:
        count = 0
        while count < self._per_turn:
            got, index = self._buffer.get()
            if got in (Got.FRAME, Got.MISSING):
                assert index is not None
                self._row(at_ns, count, got, index)
                count += 1
                continue
            while count < self._per_turn:
                self._row(at_ns, count, got, -1)
                count += 1

    def _row(self, at_ns: int, place: int, got: Got, index: int) -> None:
        if got is Got.FRAME:
            heard, self._made_up = Heard.FRAME, 0
        elif self._made_up < self._most:
            heard = Heard.CONCEALED
            self._made_up += 1
        else:
            heard = Heard.SILENCE
        self._rows.append((at_ns + place * self._voice.frame_ns, heard, got, index))
