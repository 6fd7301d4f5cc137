"""The chunks of WAV files as the field leaves them: odd, unfinished, of every kind of RIFF.

What is read is the format and the audio alone, as a plain file whose sizes are right.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from lab.errors import LabError

MOST_HEADER_BYTES = 1 << 16
"""No format is described at greater length."""
_FORMS = (b"RIFF", b"RIFX", b"RF64", b"BW64")
_TRAILERS = (b"LIST", b"id3 ", b"ID3 ", b"bext", b"iXML", b"cue ", b"JUNK", b"PEAK", b"smpl")
"""What usually stands behind the audio, and may be cut off."""
_FORMAT, _COUNT, _SIZES, _DATA = b"fmt ", b"fact", b"ds64", b"data"


@dataclass(frozen=True, slots=True)
class Chunk:
    """One chunk: where its content is in the file."""

    name: bytes
    start: int
    size: int


class Sound(io.RawIOBase):
    """A WAV file with nothing but its format and its audio, sizes put right; read only."""

    def __init__(self, path: Path) -> None:
        """LabError where it is no WAV file, or has no format or no audio."""
        super().__init__()
        self._file = path.open("rb")
        try:
            self._head, self._audio = _sound(self._file, path)
        except BaseException:
            self._file.close()
            raise
        self._at = 0

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to an offset from the start, from here or from the end."""
        length = len(self._head) + self._audio.size + self._audio.size % 2
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: length}[whence]
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        """Where the next byte is read."""
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Read as much as there is of what the buffer takes."""
        if self._at < len(self._head):
            found = self._head[self._at : self._at + len(buffer)]
        else:
            at = self._at - len(self._head)
            self._file.seek(self._audio.start + at)
            found = self._file.read(min(len(buffer), max(0, self._audio.size - at)))
        buffer[: len(found)] = found
        self._at += len(found)
        return len(found)

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()


def _sound(file: IO[bytes], path: Path) -> tuple[bytes, Chunk]:
    """The header to put before the audio, and where that is."""
    form = file.read(12)
    if form[:4] not in _FORMS or form[8:] != b"WAVE":
        raise LabError(f"{path} is not a WAV file.", "Convert it to 16-bit PCM WAV first.")
    order = ">" if form.startswith(b"RIFX") else "<"
    length = file.seek(0, io.SEEK_END)
    chunks: dict[bytes, Chunk] = {}
    for chunk in _chunks(file, length, order):
        chunks.setdefault(chunk.name, chunk)
    for needed in (_FORMAT, _DATA):
        if needed not in chunks:
            raise LabError(f"{path} is a WAV file without a {needed.decode().strip()} chunk.")
    body = b"WAVE"
    for name in (_FORMAT, _COUNT):
        if name in chunks:
            content = _content(file, chunks[name])
            body += name + struct.pack(order + "I", len(content)) + content
            body += b"\0" * (len(content) % 2)
    audio = chunks[_DATA]
    body += _DATA + struct.pack(order + "I", audio.size)
    whole = len(body) + audio.size + audio.size % 2
    head = (b"RIFX" if order == ">" else b"RIFF") + struct.pack(order + "I", whole) + body
    return head, audio


def _chunks(file: IO[bytes], length: int, order: str) -> Iterator[Chunk]:
    """Every chunk; those after unfinished audio are part of it."""
    at = 12
    size_of_audio = None
    while at + 8 <= length:
        name, size = _chunk_head(file, at, order)
        start, rest = at + 8, length - at - 8
        if name == _SIZES:
            sizes = _content(file, Chunk(name, start, min(size, rest)))
            size_of_audio = struct.unpack("<Q", sizes[8:16])[0] if len(sizes) >= 16 else None
        if name == _DATA:
            size = _size_of_audio(file, Chunk(name, start, size), length, order, size_of_audio)
        size = min(size, rest)
        yield Chunk(name, start, size)
        at = _after(file, Chunk(name, start, size))


def _size_of_audio(
    file: IO[bytes], audio: Chunk, length: int, order: str, told_apart: int | None
) -> int:
    """What the header says, or the rest of the file where that cannot be.

    A size that was never written, or not since the recorder began, is followed by audio
    instead of chunks.
    """
    size, rest = audio.size, length - audio.start
    if size == 0xFFFFFFFF and told_apart and told_apart <= rest:
        size = told_apart
    if size >= rest or size == 0xFFFFFFFF:
        return rest
    end = _after(file, Chunk(audio.name, audio.start, size))
    if _leads_to_the_end(file, end, length, order) or (size and _only_zeros(file, end)):
        return size
    return rest


def _leads_to_the_end(file: IO[bytes], at: int, length: int, order: str) -> bool:
    """Whether chunks follow from there on, or another file, or nothing."""
    while at + 8 <= length:
        name, size = _chunk_head(file, at, order)
        if name in _FORMS:
            return True
        end = at + 8 + size
        if not _is_name(name) or (end > length and name not in _TRAILERS):
            return False
        at = _after(file, Chunk(name, at + 8, size))
    return True


def _only_zeros(file: IO[bytes], at: int) -> bool:
    """Whether nothing follows but what a file system fills up with."""
    file.seek(at)
    while block := file.read(MOST_HEADER_BYTES):
        if block.strip(b"\0"):
            return False
    return True


def _chunk_head(file: IO[bytes], at: int, order: str) -> tuple[bytes, int]:
    file.seek(at)
    name, size = struct.unpack(order + "4sI", file.read(8))
    return name, size


def _after(file: IO[bytes], chunk: Chunk) -> int:
    """Where the next chunk begins: at an even place, but some writers forget that."""
    end = chunk.start + chunk.size
    if chunk.size % 2 == 0:
        return end
    file.seek(end)
    return end if _is_name(file.read(4)) else end + 1


def _content(file: IO[bytes], chunk: Chunk) -> bytes:
    file.seek(chunk.start)
    return file.read(min(chunk.size, MOST_HEADER_BYTES))


def _is_name(four: bytes) -> bool:
    return len(four) == 4 and four[0] != 0 and all(32 <= byte < 127 for byte in four)
