"""Mumble's control messages: a frame around a protobuf message, of which few are needed.

A frame is a 16-bit type and a 32-bit length, both big-endian, then the message. The numbers of
types and fields are those of Mumble.proto (Mumble 1.2.4 to 1.5).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from enum import IntEnum

PROTOCOL_VERSION = 1 << 16 | 3 << 8 | 4
"""1.3.4, as the Version message packs it; Opus needs 1.2.4."""
HEADER = struct.Struct(">HI")
MAX_MESSAGE_BYTES = 8 * 1024 * 1024 - 1
"""What Mumble itself takes for a broken stream."""

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5

Value = int | str | bytes
Fields = Mapping[int, Sequence[int | bytes]]
"""Field number → every value that stands there, in order."""


class Kind(IntEnum):
    """The messages this program sends or looks at."""

    VERSION = 0
    UDP_TUNNEL = 1
    AUTHENTICATE = 2
    PING = 3
    REJECT = 4
    SERVER_SYNC = 5
    CHANNEL_REMOVE = 6
    CHANNEL_STATE = 7
    USER_REMOVE = 8
    USER_STATE = 9
    PERMISSION_DENIED = 12
    ACL = 13
    CODEC_VERSION = 21


class FramingError(Exception):
    """The other end does not speak Mumble's protocol."""


def frame(kind: Kind, body: bytes) -> bytes:
    """One message as it goes over the wire."""
    return HEADER.pack(kind, len(body)) + body


def message(fields: Mapping[int, Value | Sequence[Value]]) -> bytes:
    """A protobuf message: integers as varints, text and bytes with their length."""
    encoded = bytearray()
    for number, given in fields.items():
        for value in [given] if isinstance(given, int | str | bytes) else given:
            if isinstance(value, int):
                encoded += _varint(number << 3 | _VARINT) + _varint(value)
            else:
                data = value.encode() if isinstance(value, str) else value
                encoded += _varint(number << 3 | _BYTES) + _varint(len(data)) + data
    return bytes(encoded)


def parse(body: bytes) -> Fields:
    """The fields of a protobuf message; FramingError where it is none."""
    found: dict[int, list[int | bytes]] = {}
    offset = 0
    while offset < len(body):
        key, offset = _read_varint(body, offset)
        value: int | bytes
        match key & 7:
            case 0:
                value, offset = _read_varint(body, offset)
            case 1 | 2 | 5 as wire:
                length, offset = _length(wire, body, offset)
                value = body[offset : offset + length]
                offset += length
            case wire:
                raise FramingError(f"no protobuf message: wire type {wire}")
        if offset > len(body):
            raise FramingError("a protobuf message ends too early")
        found.setdefault(key >> 3, []).append(value)
    return found


def integer(fields: Fields, number: int) -> int | None:
    """The last value of an integer field; None where it is not there."""
    value = fields.get(number, [None])[-1]
    return value if isinstance(value, int) else None


def text(fields: Fields, number: int) -> str | None:
    """The last value of a text field; None where it is not there."""
    value = fields.get(number, [None])[-1]
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else None


class Frames:
    """Puts messages together from whatever pieces a stream delivers."""

    def __init__(self) -> None:
        self._pending = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """Every message that is complete now, as type and body; FramingError for nonsense."""
        self._pending += data
        while len(self._pending) >= HEADER.size:
            kind, length = HEADER.unpack_from(self._pending)
            if length > MAX_MESSAGE_BYTES:
                raise FramingError(f"a message of {length} bytes cannot be")
            end = HEADER.size + length
            if len(self._pending) < end:
                return
            body = bytes(self._pending[HEADER.size : end])
            del self._pending[:end]
            yield kind, body


def _length(wire: int, body: bytes, offset: int) -> tuple[int, int]:
    """How long a value of that wire type is, and where it begins."""
    if wire == _BYTES:
        return _read_varint(body, offset)
    return (8 if wire == _FIXED64 else 4), offset


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def _read_varint(body: bytes, offset: int) -> tuple[int, int]:
    value = shift = 0
    while offset < len(body) and shift < 64:
        octet = body[offset]
        offset += 1
        value |= (octet & 0x7F) << shift
        shift += 7
        if not octet & 0x80:
            return value, offset
    raise FramingError("a protobuf message ends too early")
