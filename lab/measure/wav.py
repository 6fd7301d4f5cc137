"""WAV files as the field delivers them: odd chunks, unfinished headers, any rate."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from math import gcd
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray
from scipy.signal import resample_poly

from lab.errors import LabError

LARGEST_FILE_BYTES = 1 << 30
"""More than an hour of 48 kHz stereo; what is larger is no recording of a call."""
RATES_HZ = range(4_000, 400_000)
"""A rate outside says that the header is damaged, and would make resampling explode."""
UNFINISHED = (0, 0xFFFFFFFF)
"""Data sizes that a recorder leaves when it is ended before it can write the real one."""

Samples = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Wav:
    """The audio of one file.

    `samples` has the shape (frames, channels), full scale is 1.0; `name` is the path, for
    messages.
    """

    samples: Samples
    rate_hz: int
    name: str

    @property
    def duration_s(self) -> float:
        """The length of the audio."""
        return len(self.samples) / self.rate_hz

    def channel(self, index: int) -> Wav:
        """One channel alone, as a Wav of one channel."""
        return Wav(self.samples[:, index : index + 1], self.rate_hz, self.name)

    def distinct_channels(self) -> tuple[Wav, ...]:
        """The channels one by one, without those that repeat the first."""
        first, *others = (self.channel(index) for index in range(self.samples.shape[1]))
        return first, *(c for c in others if not np.array_equal(c.samples, first.samples))

    def played_for(self, seconds: float) -> Wav:
        """The audio as a player gives it that repeats it, or stops it, after so many seconds."""
        frames = round(seconds * self.rate_hz)
        times = -(-frames // max(1, len(self.samples)))
        return Wav(np.tile(self.samples, (times, 1))[:frames], self.rate_hz, self.name)

    def mono(self, rate_hz: int) -> Samples:
        """The mean of the channels at `rate_hz`: one dimension, full scale 1.0.

        Band-limited (polyphase, Kaiser window); unchanged where the rate is already right.
        """
        mean: Samples = self.samples.mean(axis=1)
        if rate_hz == self.rate_hz or not len(mean):
            return mean
        common = gcd(rate_hz, self.rate_hz)
        resampled: Samples = resample_poly(mean, rate_hz // common, self.rate_hz // common)
        return resampled


def to_pcm16(samples: Samples) -> NDArray[np.int16]:
    """Full scale 1.0 → 16-bit samples, limited, exact for what came from 16 bits."""
    return np.clip(np.rint(samples * 32768), -32768, 32767).astype(np.int16)


def read_wav(path: Path) -> Wav:
    """Read a WAV file: PCM of any width, float, µ-law, A-law, GSM; whatever chunks it has.

    A data size that was never filled in, or that promises more than there is, means "to the
    end of the file". Raises LabError for what is missing, unreadable or no WAV file.
    """
    try:
        if path.stat().st_size > LARGEST_FILE_BYTES:
            raise LabError(f"{path} is larger than 1 GiB.", "Cut it to the call that is scored.")
        content = path.read_bytes()
    except OSError as error:
        raise LabError(f"{path} cannot be read: {error.strerror}.") from error
    if content[:4] not in (b"RIFF", b"RIFX", b"RF64") or content[8:12] != b"WAVE":
        raise LabError(f"{path} is not a WAV file.", "Convert it to 16-bit PCM WAV first.")
    if content[:4] == b"RIFF":
        content = _clean(content, path)
    try:
        samples, rate_hz = soundfile.read(io.BytesIO(content), dtype="float64", always_2d=True)
    except (soundfile.SoundFileError, RuntimeError, ValueError, TypeError, MemoryError) as error:
        raise LabError(
            f"{path} is a WAV file whose audio cannot be decoded: {str(error).rstrip('.')}.",
            "Convert it to 16-bit PCM WAV first.",
        ) from error
    if rate_hz not in RATES_HZ:
        raise LabError(f"{path} claims {rate_hz} samples per second: its header is damaged.")
    return Wav(np.nan_to_num(samples, posinf=1.0, neginf=-1.0), int(rate_hz), str(path))


def _clean(content: bytes, path: Path) -> bytes:
    """The same file with nothing but its format and its data, sizes put right."""
    chunks: dict[bytes, bytes] = {}
    for name, body in _chunks(content):
        chunks.setdefault(name, body)
    for needed in (b"fmt ", b"data"):
        if needed not in chunks:
            raise LabError(f"{path} is a WAV file without a {needed.decode().strip()} chunk.")
    kept = b""
    for name in (b"fmt ", b"fact", b"data"):
        if name in chunks:
            body = chunks[name]
            kept += name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)
    return b"RIFF" + struct.pack("<I", 4 + len(kept)) + b"WAVE" + kept


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Every chunk's name and content; chunks after an unfinished one are part of it."""
    at = 12
    while at + 8 <= len(content):
        name = content[at : at + 4]
        size = int.from_bytes(content[at + 4 : at + 8], "little")
        start = at + 8
        rest = len(content) - start
        if size > rest or (name == b"data" and size in UNFINISHED):
            size = rest
        yield name, content[start : start + size]
        at = start + size
        # Chunks are padded to even length, but some writers forget it.
        padded = size % 2 and not _is_name(content[at : at + 4])
        at += 1 if padded else 0


def _is_name(four: bytes) -> bool:
    return len(four) == 4 and four[0] != 0 and all(32 <= byte < 127 for byte in four)
