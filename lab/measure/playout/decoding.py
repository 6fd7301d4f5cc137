"""What was heard, as audio: frames decoded in the order in which they were played.

G.711, GSM and linear PCM are decoded by libsndfile, Speex and Opus by their own libraries where
this host has them. What is not there is made up as the phones do it: pjmedia's concealment
for waveforms, the codec's own where it has one (Speex, Opus).
"""

from __future__ import annotations

import ctypes
import io
from collections.abc import Callable, Sequence
from ctypes.util import find_library

import numpy as np
import soundfile

from lab.agents.voice.opus import OpusDecoder, OpusError
from lab.errors import LabError
from lab.measure.playout.playing import Heard, PlayedVoice
from lab.measure.playout.wsola import Concealer, Pcm
from lab.measure.wav import Wav

_SPEEX_SET_ENH = 0
_SPEEX_MODES = {8000: 0, 16000: 1}


def audio(played: PlayedVoice, name: str) -> Wav:
    """What is heard, beginning with the first turn; LabError where it cannot be decoded."""
    voice = played.voice
    if voice.payload is None:
        raise LabError("the voice cannot be decoded: its payload was not captured.")
    there = dict(zip(voice.index.tolist(), voice.payload, strict=True))
    frames = [
        there[index] if heard is Heard.FRAME else None
        for index, heard in zip(played.index.tolist(), played.heard, strict=True)
    ]
    pcm = _OWN[voice.codec](frames, played.heard, voice.rate_hz, voice.frame_ms)
    return Wav(pcm.astype(np.float64)[:, None] / 32768, voice.rate_hz, name)


def undecodable(codec: str) -> str | None:
    """Why this host cannot decode a codec; None where it can."""
    if codec.startswith("SPEEX") and _speex() is None:
        return "Speex needs the library libspeex (Debian: libspeex1), which this host lacks"
    if codec not in _OWN:
        return f"{codec} cannot be decoded here"
    if codec == "OPUS" and find_library("opus") is None:
        return "Opus needs the library libopus (Debian: libopus0), which this host lacks"
    return None


def raw(subtype: str, rate_hz: int, endian: str = "FILE") -> Callable[[bytes], Pcm]:
    """A decoder of libsndfile's, for frames of a codec that follow one another."""

    def decode(octets: bytes) -> Pcm:
        pcm, _ = soundfile.read(
            io.BytesIO(octets),
            format="RAW",
            subtype=subtype,
            endian=endian,
            samplerate=rate_hz,
            channels=1,
            dtype="int16",
        )
        return np.asarray(pcm, np.int16)

    return decode


def _waveform(decode: Callable[[bytes], Pcm]) -> Callable[..., Pcm]:
    """Frames that are decoded in their order, and concealed as waveforms."""

    def decoded(
        frames: Sequence[bytes | None], heard: Sequence[Heard], rate_hz: int, frame_ms: int
    ) -> Pcm:
        samples = rate_hz * frame_ms // 1000
        voice = decode(b"".join(frame for frame in frames if frame is not None))
        conceal, at = Concealer(rate_hz, samples), 0
        played = []
        for what in heard:
            if what is Heard.FRAME:
                played.append(conceal.heard(voice[at : at + samples]))
                at += samples
            elif what is Heard.CONCEALED:
                played.append(conceal.concealed())
            else:
                played.append(np.zeros(samples, np.int16))
        return np.concatenate(played)

    return decoded


def _by_speex(
    frames: Sequence[bytes | None], heard: Sequence[Heard], rate_hz: int, frame_ms: int
) -> Pcm:
    library = _speex()
    if library is None:
        raise LabError(f"{undecodable('SPEEX')}.")
    mode = ctypes.c_void_p(library.speex_lib_get_mode(_SPEEX_MODES[rate_hz]))
    state = ctypes.c_void_p(library.speex_decoder_init(mode))
    library.speex_decoder_ctl(state, _SPEEX_SET_ENH, ctypes.byref(ctypes.c_int(1)))
    bits = ctypes.create_string_buffer(256)
    library.speex_bits_init(bits)
    samples = rate_hz * frame_ms // 1000
    out = (ctypes.c_int16 * samples)()
    played = []
    for frame, what in zip(frames, heard, strict=True):
        if what is Heard.SILENCE:
            played.append(np.zeros(samples, np.int16))
            continue
        if frame is not None:
            library.speex_bits_read_from(bits, frame, len(frame))
        library.speex_decode_int(state, bits if frame is not None else None, out)
        played.append(np.array(out[:], np.int16))
    library.speex_bits_destroy(bits)
    library.speex_decoder_destroy(state)
    return np.concatenate(played)


def _speex() -> ctypes.CDLL | None:
    found = find_library("speex")
    if found is None:
        return None
    library = ctypes.CDLL(found)
    for name in ("speex_lib_get_mode", "speex_decoder_init"):
        getattr(library, name).restype = ctypes.c_void_p
    return library


def _by_opus(
    frames: Sequence[bytes | None], heard: Sequence[Heard], rate_hz: int, frame_ms: int
) -> Pcm:
    samples = rate_hz * frame_ms // 1000
    try:
        decoder = OpusDecoder(rate_hz)
        played = [
            bytes(2 * samples) if what is Heard.SILENCE else decoder.decode(frame, samples)
            for frame, what in zip(frames, heard, strict=True)
        ]
        decoder.close()
    except OpusError as error:
        raise LabError(f"the voice cannot be decoded: {error}.") from error
    return np.frombuffer(b"".join(played), np.int16)


_OWN: dict[str, Callable[..., Pcm]] = {
    "PCMU": _waveform(raw("ULAW", 8000)),
    "PCMA": _waveform(raw("ALAW", 8000)),
    "GSM": _waveform(raw("GSM610", 8000)),
    "SPEEX": _by_speex,
    "SPEEX-WB": _by_speex,
    "OPUS": _by_opus,
    "L16-16": _waveform(raw("PCM_16", 16000, "BIG")),
    "L16-32": _waveform(raw("PCM_16", 32000, "BIG")),
    "L16-48": _waveform(raw("PCM_16", 48000, "BIG")),
}
