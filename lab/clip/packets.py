"""The clip as a phone sends it: one coded packet for every 20 ms, or none in a pause.

G.711 and GSM are coded by libsndfile, Opus and Speex by their own libraries where this host has
them; each at the rate that the lab's phones and pjmedia's defaults have.
"""

from __future__ import annotations

import ctypes
import io
from collections.abc import Callable, Sequence
from ctypes.util import find_library

import numpy as np
import soundfile

from lab.agents.voice.opus import OpusEncoder, OpusError
from lab.clip.silence_detector import sent_of
from lab.errors import LabError
from lab.measure.playout.coded import FRAMINGS
from lab.measure.playout.wsola import Pcm
from lab.measure.samples import to_pcm16
from lab.measure.wav import Wav
from lab.wire.codecs import CODECS as KNOWN

PACKET_MS = 20
TAKEN_FOR_MS = {"PCMU": 10, "PCMA": 10, "GSM": 20}
"""What their silence detector takes a packet of 20 ms for."""
LAB_QUALITY, PJSUA_QUALITY = 10, 8
"""Of Speex, as the lab's phones have it, and pjsua where nobody sets any."""
_SPEEX_COMPLEXITY = 2
_SPEEX_SET_QUALITY, _SPEEX_SET_COMPLEXITY, _SPEEX_SET_VAD, _SPEEX_SET_DTX = 4, 16, 30, 34


def clip_packets(
    codec: str, clip: Wav, *, vad: bool, quality: int = LAB_QUALITY
) -> tuple[bytes | None, ...]:
    """The content of each packet of the clip; None for one that is not sent.

    `quality` is Speex's, 0 to 10. With `vad` pauses are left out as pjmedia does it: of Opus,
    nothing (its encoder sends all). LabError where the codec cannot be coded here.
    """
    code = _CODERS.get(codec)
    if code is None:
        raise LabError(
            f"{codec} is no codec that can be coded and played afterwards.",
            f"Known: {', '.join(_CODERS)}.",
        )
    rate_hz = FRAMINGS[codec].rate_hz
    samples = to_pcm16(clip.mono(rate_hz))
    size = rate_hz * PACKET_MS // 1000
    frames = list(np.pad(samples, (0, -len(samples) % size)).reshape(-1, size))
    coded = code(frames, vad, quality)
    if vad and codec in TAKEN_FOR_MS:
        sent = sent_of(frames, PACKET_MS, TAKEN_FOR_MS[codec])
        return tuple(each if out else None for each, out in zip(coded, sent, strict=True))
    return tuple(coded)


Coder = Callable[[Sequence[Pcm], bool, int], Sequence[bytes | None]]


def _by_libsndfile(subtype: str, packet_bytes: int) -> Coder:
    def code(frames: Sequence[Pcm], _: bool, __: int) -> list[bytes]:
        file = io.BytesIO()
        rate_hz = len(frames[0]) * 1000 // PACKET_MS
        samples = np.concatenate(list(frames))
        soundfile.write(file, samples, rate_hz, format="RAW", subtype=subtype)
        octets = file.getvalue()
        return [octets[at : at + packet_bytes] for at in range(0, len(octets), packet_bytes)]

    return code


def _by_opus(frames: Sequence[Pcm], _: bool, __: int) -> list[bytes]:
    opus = KNOWN["OPUS"]
    assert opus.bitrate_kbps is not None
    try:
        encoder = OpusEncoder(opus.sample_rate_hz, 1000 * opus.bitrate_kbps, vbr=False)
        coded = [encoder.encode(frame.tobytes()) for frame in frames]
        encoder.close()
    except OpusError as error:
        raise LabError(f"the clip cannot be coded: {error}.", "Install libopus0.") from error
    return coded


def _by_speex(frames: Sequence[Pcm], vad: bool, quality: int) -> list[bytes | None]:
    found = find_library("speex")
    if found is None:
        raise LabError("the clip cannot be coded: Speex needs libspeex.", "Install libspeex1.")
    library = ctypes.CDLL(found)
    for name in ("speex_lib_get_mode", "speex_encoder_init"):
        getattr(library, name).restype = ctypes.c_void_p
    state = ctypes.c_void_p(library.speex_encoder_init(ctypes.c_void_p(_mode(library))))
    for request, value in (
        (_SPEEX_SET_QUALITY, quality),
        (_SPEEX_SET_VAD, int(vad)),
        (_SPEEX_SET_DTX, int(vad)),
        (_SPEEX_SET_COMPLEXITY, _SPEEX_COMPLEXITY),
    ):
        library.speex_encoder_ctl(state, request, ctypes.byref(ctypes.c_int(value)))
    bits, out = ctypes.create_string_buffer(256), ctypes.create_string_buffer(256)
    library.speex_bits_init(bits)
    coded: list[bytes | None] = []
    for frame in frames:
        library.speex_bits_reset(bits)
        # The encoder works in the samples that it is given.
        samples = (ctypes.c_int16 * len(frame))(*frame.tolist())
        is_sent = library.speex_encode_int(state, samples, bits)
        length = library.speex_bits_write(bits, out, len(out))
        coded.append(out.raw[:length] if is_sent else None)
    library.speex_bits_destroy(bits)
    library.speex_encoder_destroy(state)
    return coded


def _mode(library: ctypes.CDLL) -> int:
    """The narrow-band one."""
    return int(library.speex_lib_get_mode(0))


_CODERS: dict[str, Coder] = {
    "PCMU": _by_libsndfile("ULAW", 160),
    "PCMA": _by_libsndfile("ALAW", 160),
    "GSM": _by_libsndfile("GSM610", 33),
    "SPEEX": _by_speex,
    "OPUS": _by_opus,
}
CODECS = tuple(_CODERS)
"""By the lab's names."""
