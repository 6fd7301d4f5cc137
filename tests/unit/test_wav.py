"""WAV files as they are found: odd chunks, unfinished headers, damaged bytes."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.errors import LabError
from lab.measure.samples import to_pcm16
from lab.measure.wav import Wav, read_wav

PCM = np.random.default_rng(0).integers(-9000, 9000, 4000).astype("<i2")
DATA = PCM.tobytes()


def riff(
    data: bytes = DATA,
    *,
    claimed: int | None = None,
    before: bytes = b"",
    after: bytes = b"",
    form: tuple[int, int, int, int] = (1, 1, 8000, 16),
) -> bytes:
    """A WAV file; `claimed` is the data size its header gives, `form` tag, channels, rate, bits."""
    tag, channels, rate_hz, bits = form
    frame = channels * bits // 8
    head = struct.pack("<HHIIHH", tag, channels, rate_hz, rate_hz * frame, frame, bits)
    body = b"WAVEfmt " + struct.pack("<I", len(head)) + head + before
    body += b"data" + struct.pack("<I", len(data) if claimed is None else claimed) + data + after
    return b"RIFF" + struct.pack("<I", len(body)) + body


def read(tmp_path: Path, content: bytes) -> Wav:
    path = tmp_path / "some.wav"
    path.write_bytes(content)
    return read_wav(path)


FOUND = {
    "plain": riff(),
    "list": riff(before=b"LIST\x1a\0\0\0INFOISFT\x0e\0\0\0Lavf58.76.100\0"),
    "odd-list": riff(before=b"LIST\x05\0\0\0INFOa\0"),
    "unpadded-list": riff(before=b"LIST\x05\0\0\0INFOa"),
    "around": riff(before=b"bext\x04\0\0\0abcd", after=b"LIST\x04\0\0\0INFO"),
    "size-zero": riff(claimed=0),
    "size-endless": riff(claimed=0xFFFFFFFF),
    "size-too-much": riff(claimed=1_000_000),
    "all-sizes-zero": b"RIFF\0\0\0\0" + riff(claimed=0)[8:],
    "all-sizes-endless": b"RIFF\xff\xff\xff\xff" + riff(claimed=0xFFFFFFFF)[8:],
}


@pytest.mark.parametrize("content", FOUND.values(), ids=FOUND)
def test_the_audio_is_found_whatever_surrounds_it(tmp_path: Path, content: bytes) -> None:
    wav = read(tmp_path, content)
    assert wav.rate_hz == 8000
    assert np.array_equal(to_pcm16(wav.mono(8000)), PCM)


def test_a_recording_cut_off_within_a_sample_keeps_the_rest(tmp_path: Path) -> None:
    assert len(read(tmp_path, riff(DATA[:-1], claimed=len(DATA))).samples) == len(PCM) - 1


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "PCM_32", "FLOAT", "ULAW", "ALAW"])
def test_every_usual_encoding_is_read(tmp_path: Path, subtype: str) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, PCM / 32768, 8000, subtype=subtype)
    assert read_wav(path).mono(8000) == pytest.approx(PCM / 32768, abs=0.02)


def test_channels_are_kept_apart(tmp_path: Path) -> None:
    stereo = np.stack([PCM[:2000], PCM[2000:]], axis=1)
    wav = read(tmp_path, riff(stereo.tobytes(), form=(1, 2, 8000, 16)))
    assert wav.distinct_channels() == (0, 1)
    assert np.array_equal(to_pcm16(wav.mono(8000, 1)), PCM[2000:])
    twice = read(tmp_path, riff(np.repeat(PCM, 2).tobytes(), form=(1, 2, 8000, 16)))
    assert twice.distinct_channels() == (0,)


@pytest.mark.parametrize("rate_hz", [16_000, 44_100, 48_000])
def test_resampling_keeps_the_voice_and_drops_what_would_alias(rate_hz: int) -> None:
    time = np.arange(rate_hz) / rate_hz
    voice = np.sin(2 * np.pi * 1000 * time)
    above = np.sin(2 * np.pi * 6500 * time)
    inner = slice(500, -500)
    kept = Wav(voice[:, None], rate_hz, "voice").mono(8000)[inner]
    assert kept == pytest.approx(np.sin(2 * np.pi * 1000 * np.arange(8000) / 8000)[inner], abs=0.01)
    assert np.max(np.abs(Wav(above[:, None], rate_hz, "above").mono(8000)[inner])) < 0.01


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "not a WAV file"),
        (b"ID3\x04 some music that is no WAV", "not a WAV file"),
        (b"RIFF\x04\0\0\0WAVE", "without a fmt chunk"),
        (riff()[:36], "without a data chunk"),
        (riff(form=(1, 1, 3, 16)), "header is damaged"),
        (riff(form=(0x1234, 1, 8000, 16)), "cannot be decoded"),
    ],
)
def test_what_cannot_be_read_is_said_in_a_sentence(
    tmp_path: Path, content: bytes, sentence: str
) -> None:
    with pytest.raises(LabError, match=sentence):
        read(tmp_path, content)


def test_missing_files_and_directories(tmp_path: Path) -> None:
    for path in (tmp_path / "none.wav", tmp_path):
        with pytest.raises(LabError, match="cannot be read"):
            read_wav(path)


def _read_or_refuse(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    try:
        wav = read_wav(path)
    except LabError:
        return
    assert wav.samples.ndim == 2
    assert np.isfinite(wav.mono(8000)).all()


@settings(max_examples=300, deadline=None)
@given(content=st.binary(max_size=400))
def test_arbitrary_bytes_never_end_in_a_traceback(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    _read_or_refuse(tmp_path_factory.getbasetemp() / "any.wav", b"RIFF\0\0\0\0WAVE" + content)
    _read_or_refuse(tmp_path_factory.getbasetemp() / "any.wav", content)


@settings(max_examples=300, deadline=None)
@given(
    changes=st.lists(st.tuples(st.integers(0, 79), st.integers(0, 255)), max_size=6),
    length=st.integers(0, 300),
)
def test_damaged_headers_never_end_in_a_traceback(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, int]], length: int
) -> None:
    content = bytearray(riff(before=b"LIST\x04\0\0\0INFO")[:300])
    for at, byte in changes:
        content[at] = byte
    _read_or_refuse(tmp_path_factory.getbasetemp() / "any.wav", bytes(content[:length]))


def big_endian(data: bytes, claimed: int) -> bytes:
    body = b"WAVEfmt " + struct.pack(">IHHIIHH", 16, 1, 1, 8000, 16000, 2, 16)
    body += b"data" + struct.pack(">I", claimed) + data
    return b"RIFX" + struct.pack(">I", claimed and len(body)) + body


def large(form: bytes, told: int, claimed: int = 0xFFFFFFFF, after: bytes = b"") -> bytes:
    """RF64 or BW64; `told` is the audio's size in its chunk of sizes."""
    sizes = struct.pack("<IQQQI", 28, told and told + 72, told, told // 2, 0)
    plain = riff(claimed=claimed, after=after)
    return form + b"\xff\xff\xff\xffWAVEds64" + sizes + plain[12:]


@pytest.mark.parametrize(
    "content",
    [
        big_endian(PCM.astype(">i2").tobytes(), len(DATA)),
        big_endian(PCM.astype(">i2").tobytes(), 0),
        big_endian(PCM.astype(">i2").tobytes(), 0xFFFFFFFF),
        big_endian(PCM.astype(">i2").tobytes(), 160),
        *(
            large(form, told, claimed)
            for form in (b"RF64", b"BW64")
            for told, claimed in (
                (len(DATA), 0xFFFFFFFF),
                (0, 0xFFFFFFFF),
                (0, 0),
                (10**12, 0xFFFFFFFF),
                (0, len(DATA)),
                (160, 0xFFFFFFFF),
            )
        ),
        large(b"RF64", len(DATA), after=b"LIST\x04\0\0\0INFO"),
        riff(claimed=0x7FFFF000),
        riff(claimed=0x80000000),
        riff(claimed=16),
        riff(after=bytes(512)),
        riff() + riff(),
    ],
    ids=range(22),
)
def test_headers_that_were_never_finished_mean_to_the_end(tmp_path: Path, content: bytes) -> None:
    """A recorder that is ended leaves the sizes of its start, or of its last look at them."""
    assert np.array_equal(to_pcm16(read(tmp_path, content).mono(8000)), PCM)


def test_an_unfinished_header_before_a_silent_start_is_no_empty_file(tmp_path: Path) -> None:
    quiet = bytes(200_000) + DATA
    assert len(read(tmp_path, riff(quiet, claimed=0)).samples) == len(quiet) // 2


def test_a_file_that_really_is_empty_is(tmp_path: Path) -> None:
    content = riff(b"", after=b"LIST\x04\0\0\0INFO")
    assert len(read(tmp_path, content).samples) == 0
