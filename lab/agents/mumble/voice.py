"""Mumble's voice packets with Opus, as they travel inside UDPTunnel messages.

A packet is one byte (type in three bits, target in five), on its way from the server the
sender's session, then a sequence number that counts 10 ms frames, the length of the Opus
packet and the packet itself. Numbers are Mumble's own varints (PacketDataStream), which are not
protobuf's.
"""

from __future__ import annotations

from dataclasses import dataclass

OPUS = 4
"""The packet type."""
NORMAL_TARGET = 0
FRAME_MS = 10
"""What the sequence number counts."""
_TERMINATOR = 0x2000
"""Set in the length of the last packet of a transmission."""


class VoiceError(Exception):
    """Not a voice packet of Mumble's."""


@dataclass(frozen=True, slots=True)
class VoicePacket:
    """A voice packet from another client."""

    session: int
    sequence: int
    """In frames of 10 ms."""
    opus: bytes
    last: bool
    """Whether the sender ended its transmission with it."""


def pack_voice(sequence: int, opus: bytes, last: bool) -> bytes:
    """A voice packet for everyone in the sender's channel."""
    length = len(opus) | (_TERMINATOR if last else 0)
    return bytes([OPUS << 5 | NORMAL_TARGET]) + number(sequence) + number(length) + opus


def unpack_voice(data: bytes) -> VoicePacket | None:
    """A voice packet as the server hands it on; None for other codecs and for pings.

    VoiceError where it is cut short.
    """
    if not data:
        raise VoiceError("an empty voice packet")
    if data[0] >> 5 != OPUS:
        return None
    session, offset = read_number(data, 1)
    sequence, offset = read_number(data, offset)
    length, offset = read_number(data, offset)
    opus = data[offset : offset + (length & (_TERMINATOR - 1))]
    if len(opus) != length & (_TERMINATOR - 1):
        raise VoiceError("a voice packet is shorter than it says")
    return VoicePacket(session, sequence, opus, bool(length & _TERMINATOR))


def number(value: int) -> bytes:
    """`value` (0 or more) as one of Mumble's varints, the leading bits of which tell its length."""
    if value < 0x80:
        return bytes([value])
    if value < 0x4000:
        return (0x8000 | value).to_bytes(2, "big")
    if value < 0x200000:
        return (0xC00000 | value).to_bytes(3, "big")
    if value < 0x10000000:
        return (0xE0000000 | value).to_bytes(4, "big")
    if value < 1 << 32:
        return b"\xf0" + value.to_bytes(4, "big")
    return b"\xf4" + value.to_bytes(8, "big")


def read_number(data: bytes, offset: int) -> tuple[int, int]:
    """The varint at `offset`, and the offset behind it; VoiceError where it is cut short."""
    if offset >= len(data):
        raise VoiceError("a voice packet ends too early")
    first = data[offset]
    if first >= 0xF8:
        raise VoiceError("a negative number in a voice packet")
    for ones, length in ((0, 1), (1, 2), (2, 3), (3, 4)):
        if first >> (7 - ones) == (1 << (ones + 1)) - 2:
            value = int.from_bytes(data[offset : offset + length], "big")
            value &= (1 << (7 * length)) - 1
            break
    else:
        length = 9 if first & 0x04 else 5
        value = int.from_bytes(data[offset + 1 : offset + length], "big")
    if offset + length > len(data):
        raise VoiceError("a voice packet ends too early")
    return value, offset + length
