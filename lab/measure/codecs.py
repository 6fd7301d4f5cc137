"""From an RTP payload type to a codec and its clock.

Static types from RFC 3551, tables 4 and 5; dynamic ones (96-127) from SDP where the capture
shows it, otherwise from the timestamps' pace and the payload itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Codec:
    """What a payload type stands for."""

    name: str
    """As in SDP, upper case: PCMU, GSM, OPUS, ...; `DYNAMIC` where nothing tells it."""
    clock_rate_hz: int
    """Of the RTP timestamps, which for G.722 is not the sampling rate."""
    certain: bool = True
    """False where it was inferred from the packets."""


COMFORT_NOISE = Codec("CN", 8000)
"""RFC 3389."""
STATIC = {
    0: Codec("PCMU", 8000),
    3: Codec("GSM", 8000),
    4: Codec("G723", 8000),
    5: Codec("DVI4", 8000),
    6: Codec("DVI4", 16000),
    7: Codec("LPC", 8000),
    8: Codec("PCMA", 8000),
    9: Codec("G722", 8000),
    10: Codec("L16", 44100),
    11: Codec("L16", 44100),
    12: Codec("QCELP", 8000),
    13: COMFORT_NOISE,
    14: Codec("MPA", 90000),
    15: Codec("G728", 8000),
    16: Codec("DVI4", 11025),
    17: Codec("DVI4", 22050),
    18: Codec("G729", 8000),
}
DYNAMIC_TYPES = range(96, 128)
COMFORT_NOISE_TYPES = frozenset({13, 19})
CLOCK_RATES_HZ = (8000, 16000, 32000, 44100, 48000, 90000)

SPEEX_MODE_BYTES = {1: 6, 8: 10, 2: 15, 3: 20, 4: 28, 5: 38, 6: 46, 7: 62}
"""Bytes of a 20 ms narrow-band Speex frame by mode (Speex manual, table 9.2)."""


def infer_codec(clock_estimate_hz: float, frames: Sequence[tuple[int, int]]) -> Codec:
    """The likely codec of a dynamic payload type that no SDP explains.

    `clock_estimate_hz` is timestamp units per second of arrival time, `frames` a sample of
    payloads as (first byte, length in bytes). Speex names its mode in the first five bits and
    the mode fixes the length, which chance seldom satisfies; Opus is the one codec in use
    whose RTP clock is 48 kHz (RFC 7587, 4.1).
    """
    clock = min(CLOCK_RATES_HZ, key=lambda rate: abs(rate - clock_estimate_hz))
    if clock == 48000:
        return Codec("OPUS", clock, certain=False)
    speex = sum(SPEEX_MODE_BYTES.get(first >> 3) == length for first, length in frames)
    if clock == 8000 and speex > len(frames) / 2:
        return Codec("SPEEX", clock, certain=False)
    return Codec("DYNAMIC", clock, certain=False)
