"""Audio of a file or of a computation: any rate, any number of channels.

A `Wav` is in memory. A `WavFile` is read anew, block by block, whenever it is asked for
something: an hour of it takes no more memory than what is made of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np
import soundfile

from lab.errors import LabError
from lab.measure.resampling import resampled
from lab.measure.samples import BLOCK, Samples, clipped_share
from lab.measure.wav_chunks import Sound
from lab.measure.wav_survey import Survey, survey

LARGEST_FILE_BYTES = 1 << 32
"""What WAV can hold, hours of any recording of a call."""
LARGEST_IN_MEMORY = 1 << 27
"""Samples of a file that is read as a whole: an hour of 8 kHz in four channels."""
RATES_HZ = range(4_000, 400_000)
"""A rate outside says that the header is damaged, and would make resampling explode."""


class Audio(Protocol):
    """What is scored, and against what."""

    @property
    def name(self) -> str:
        """The path, for messages."""

    @property
    def rate_hz(self) -> int:
        """Its own rate."""

    @property
    def duration_s(self) -> float:
        """Its length."""

    @property
    def channels(self) -> int:
        """How many it has."""

    @property
    def remarks(self) -> tuple[str, ...]:
        """What had to be put right in reading it."""

    def distinct_channels(self) -> tuple[int, ...]:
        """The channels, from 0, without those that sound like the first."""

    def mono(self, rate_hz: int, channel: int | None = None) -> Samples:
        """One channel, or the mean of all, at `rate_hz`: one dimension, full scale 1.0.

        Band-limited (polyphase, Kaiser window); unchanged where the rate is already right.
        """

    def clipped_share(self, channel: int) -> float:
        """The share of a channel's samples in runs of three or more at its own limit."""


@dataclass(frozen=True, slots=True, eq=False)
class Wav:
    """Audio in memory.

    `samples` has the shape (frames, channels), full scale is 1.0; `name` is the path, for
    messages.
    """

    samples: Samples
    rate_hz: int
    name: str
    remarks: tuple[str, ...] = ()

    @property
    def duration_s(self) -> float:
        """The length of the audio."""
        return len(self.samples) / self.rate_hz

    @property
    def channels(self) -> int:
        """How many it has."""
        return int(self.samples.shape[1])

    def distinct_channels(self) -> tuple[int, ...]:
        """The channels, from 0, without those that sound like the first."""
        return survey(iter([self.samples]), self.channels).distinct

    def played_for(self, seconds: float) -> Wav:
        """The audio as a player gives it that repeats it, or stops it, after so many seconds."""
        frames = round(seconds * self.rate_hz)
        times = -(-frames // max(1, len(self.samples)))
        return Wav(np.tile(self.samples, (times, 1))[:frames], self.rate_hz, self.name)

    def mono(self, rate_hz: int, channel: int | None = None) -> Samples:
        """One channel, or the mean of all, at `rate_hz`: see `Audio`."""
        chosen = _chosen(self.samples, channel)
        return np.concatenate([*resampled([chosen], self.rate_hz, rate_hz), np.zeros(0)])

    def clipped_share(self, channel: int) -> float:
        """The share of a channel's samples in runs of three or more at its own limit."""
        samples = self.samples[:, channel]
        return clipped_share([samples], float(np.max(np.abs(samples), initial=0.0)))


@dataclass(frozen=True, eq=False)
class WavFile:
    """A file, opened with `open_wav`."""

    path: Path
    rate_hz: int
    channels: int
    frames: int
    is_float: bool

    @property
    def name(self) -> str:
        """The path, for messages."""
        return str(self.path)

    @property
    def duration_s(self) -> float:
        """The length of the audio."""
        return self.frames / self.rate_hz

    @property
    def remarks(self) -> tuple[str, ...]:
        """What had to be put right in reading it."""
        return self._survey.remarks if self.is_float else ()

    def distinct_channels(self) -> tuple[int, ...]:
        """The channels, from 0, without those that sound like the first."""
        return self._survey.distinct if self.channels > 1 else (0,)

    def mono(self, rate_hz: int, channel: int | None = None) -> Samples:
        """One channel, or the mean of all, at `rate_hz`: see `Audio`. Single precision."""
        samples = np.zeros(-(-self.frames * rate_hz // self.rate_hz), np.float32)
        at = 0
        blocks = (_chosen(block, channel) for block in self.blocks())
        for block in resampled(blocks, self.rate_hz, rate_hz):
            taken = block[: len(samples) - at]
            samples[at : at + len(taken)] = taken
            at += len(taken)
        return samples[:at]

    def clipped_share(self, channel: int) -> float:
        """The share of a channel's samples in runs of three or more at its own limit."""
        blocks = (block[:, channel] for block in self.blocks())
        return clipped_share(blocks, self._survey.peaks[channel] / self._scale)

    def blocks(self) -> Iterator[Samples]:
        """The audio in order, (frames, channels), full scale 1.0."""
        for block in self._as_stored():
            yield np.where(np.isfinite(block), block, 0.0) / self._scale if self.is_float else block

    @cached_property
    def _survey(self) -> Survey:
        return survey(self._as_stored(), self.channels)

    @property
    def _scale(self) -> float:
        """What the file's own numbers are divided by."""
        return self._survey.scale if self.is_float else 1.0

    def _as_stored(self) -> Iterator[Samples]:
        # The file may have changed since it was opened.
        try:
            with Sound(self.path) as sound, soundfile.SoundFile(sound) as file:
                while len(block := file.read(BLOCK, dtype="float64", always_2d=True)):
                    yield block
        except OSError as error:
            raise LabError(f"{self.path} cannot be read: {error.strerror}.") from error
        except _UNDECODABLE as error:
            raise _undecodable(self.path, error) from error


_UNDECODABLE = (soundfile.SoundFileError, RuntimeError, ValueError, TypeError, MemoryError)


def open_wav(path: Path) -> WavFile:
    """Open a WAV file: PCM of any width, float, µ-law, A-law, GSM; whatever chunks it has.

    An audio size that was never filled in, or that promises more than there is, means "to the
    end of the file". Raises LabError for what is missing, unreadable or no WAV file.
    """
    try:
        if path.stat().st_size > LARGEST_FILE_BYTES:
            raise LabError(f"{path} is larger than 4 GiB.", "Cut it to the call that is scored.")
        with Sound(path) as sound, soundfile.SoundFile(sound) as file:
            rate_hz, channels, frames = file.samplerate, file.channels, file.frames
            is_float = file.subtype in ("FLOAT", "DOUBLE")
    except OSError as error:
        raise LabError(f"{path} cannot be read: {error.strerror}.") from error
    except _UNDECODABLE as error:
        raise _undecodable(path, error) from error
    if rate_hz not in RATES_HZ:
        raise LabError(f"{path} claims {rate_hz} samples per second: its header is damaged.")
    return WavFile(path, rate_hz, channels, frames, is_float)


def read_wav(path: Path) -> Wav:
    """All of a WAV file (see `open_wav`), in memory.

    LabError also where that would take too much of it.
    """
    file = open_wav(path)
    if file.frames * file.channels > LARGEST_IN_MEMORY:
        raise LabError(
            f"{path} lasts {file.duration_s / 3600:.1f} hours.", "Cut it to what is to be played."
        )
    blocks = [*file.blocks(), np.zeros((0, file.channels))]
    return Wav(np.concatenate(blocks), file.rate_hz, file.name, file.remarks)


def _chosen(samples: Samples, channel: int | None) -> Samples:
    """One channel of (frames, channels), or the mean of all."""
    return samples.mean(axis=1) if channel is None else samples[:, channel]


def _undecodable(path: Path, error: BaseException) -> LabError:
    return LabError(
        f"{path} is a WAV file whose audio cannot be decoded: {str(error).rstrip('.')}.",
        "Convert it to 16-bit PCM WAV first.",
    )
