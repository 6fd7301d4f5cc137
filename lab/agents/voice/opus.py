"""Opus by way of Debian's libopus: an encoder at a stated rate, a decoder that conceals."""

from __future__ import annotations

import ctypes
from functools import cache

LIBRARY = "libopus.so.0"
MAX_PACKET_BYTES = 1275
_OK = 0
_VOIP = 2048
_SET_BITRATE, _SET_VBR, _SET_COMPLEXITY = 4002, 4006, 4010
_SET_INBAND_FEC, _SET_PACKET_LOSS_PERC = 4012, 4014
_COMPLEXITY = 10
"""The best that libopus does; one client needs about 1 % of a core for it."""
FEC_LOSS_PCT = 10
"""The loss that an encoder with FEC is told to expect: without any it adds none."""


class OpusError(Exception):
    """libopus refused; the message is its own."""


@cache
def _library() -> ctypes.CDLL:
    try:
        library = ctypes.CDLL(LIBRARY)
    except OSError as error:
        raise OpusError(f"there is no {LIBRARY}: {error}") from error
    for name in ("opus_encoder_create", "opus_decoder_create"):
        getattr(library, name).restype = ctypes.c_void_p
    for name in ("opus_strerror", "opus_get_version_string"):
        getattr(library, name).restype = ctypes.c_char_p
    return library


def version() -> str:
    """What the library calls itself, for instance `libopus 1.3.1`."""
    return bytes(_library().opus_get_version_string()).decode()


def _check(status: int) -> int:
    if status < _OK:
        raise OpusError(bytes(_library().opus_strerror(status)).decode())
    return status


class OpusEncoder:
    """Mono speech at `rate_hz` (8000, 12000, 16000, 24000 or 48000) into packets."""

    def __init__(self, rate_hz: int, bitrate_bps: int, vbr: bool, fec: bool = False) -> None:
        """`vbr` False gives packets of one length; with `fec` each repeats the one before it,
        coarsely. OpusError for rates Opus has not."""
        self._library = _library()
        status = ctypes.c_int()
        state = self._library.opus_encoder_create(rate_hz, 1, _VOIP, ctypes.byref(status))
        _check(status.value)
        self._state = ctypes.c_void_p(state)
        for request, value in (
            (_SET_BITRATE, bitrate_bps),
            (_SET_VBR, int(vbr)),
            (_SET_COMPLEXITY, _COMPLEXITY),
            (_SET_INBAND_FEC, int(fec)),
            (_SET_PACKET_LOSS_PERC, FEC_LOSS_PCT if fec else 0),
        ):
            _check(self._library.opus_encoder_ctl(self._state, request, ctypes.c_int(value)))
        self._packet = ctypes.create_string_buffer(MAX_PACKET_BYTES)

    def encode(self, pcm: bytes) -> bytes:
        """One packet of 16-bit samples: 10, 20, 40 or 60 ms of them."""
        length = _check(
            self._library.opus_encode(
                self._state, pcm, len(pcm) // 2, self._packet, MAX_PACKET_BYTES
            )
        )
        return self._packet.raw[:length]

    def close(self) -> None:
        """Give the encoder's memory back."""
        self._library.opus_encoder_destroy(self._state)


class OpusDecoder:
    """Packets into 16-bit mono samples at `rate_hz`."""

    def __init__(self, rate_hz: int) -> None:
        self._library = _library()
        status = ctypes.c_int()
        self._state = ctypes.c_void_p(
            self._library.opus_decoder_create(rate_hz, 1, ctypes.byref(status))
        )
        _check(status.value)

    def decode(self, packet: bytes | None, samples: int) -> bytes:
        """The packet's samples, or `samples` of concealment where there is none (None)."""
        data, length = (packet, len(packet)) if packet else (None, 0)
        return self._decode(data, length, samples, fec=False)

    def repair(self, following: bytes, samples: int) -> bytes:
        """The samples of the packet before `following`, from what that one repeats of it."""
        return self._decode(following, len(following), samples, fec=True)

    def _decode(self, data: bytes | None, length: int, samples: int, *, fec: bool) -> bytes:
        pcm = ctypes.create_string_buffer(2 * samples)
        decode = self._library.opus_decode
        decoded = _check(decode(self._state, data, length, pcm, samples, int(fec)))
        return pcm.raw[: 2 * decoded]

    def close(self) -> None:
        """Give the decoder's memory back."""
        self._library.opus_decoder_destroy(self._state)
