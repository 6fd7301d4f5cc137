"""How the voice of a call may be coded: the codec, its bit rate and its packets."""

from __future__ import annotations

from lab.errors import UsageError
from lab.wire.codecs import Codec, Coding

MAX_PAYLOAD_BYTES = 1400
"""More does not go into one packet of 1500 bytes with the headers of IP, UDP and RTP."""


def choose_coding(
    codec: Codec, ptime_ms: int | None = None, bitrate_kbps: int | None = None
) -> Coding:
    """`codec` as asked for, None being its defaults; UsageError for what it cannot do."""
    if ptime_ms is not None and ptime_ms not in codec.ptimes_ms:
        known = ", ".join(str(choice) for choice in codec.ptimes_ms)
        raise UsageError(f"{codec.name} has no packets of {ptime_ms} ms", f"It has {known} ms.")
    if bitrate_kbps is not None:
        if codec.bitrates_kbps is None:
            raise UsageError(f"{codec.name} has only one bit rate", "Leave --bitrate out.")
        low, high = codec.bitrates_kbps
        if not low <= bitrate_kbps <= high:
            raise UsageError(
                f"{codec.name} has no bit rate of {bitrate_kbps} kbit/s",
                f"It has {low} to {high} kbit/s.",
            )
    coding = Coding(codec, ptime_ms or codec.ptimes_ms[0], bitrate_kbps or codec.bitrate_kbps)
    if coding.bitrate_kbps is not None:
        payload_bytes = coding.bitrate_kbps * coding.ptime_ms // 8
        if payload_bytes > MAX_PAYLOAD_BYTES:
            raise UsageError(
                f"{codec.name} at {coding.bitrate_kbps} kbit/s in packets of {coding.ptime_ms} ms "
                f"is {payload_bytes} bytes a packet, more than fits into one",
                "Take a lower --bitrate or a shorter --ptime.",
            )
    return coding
