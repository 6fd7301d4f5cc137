"""How the fuzzers change an input: as its format has it, in lines, packets and chunks.

Half of all changes are libFuzzer's own, byte by byte; these reach what stands behind a form that
bytes at random would break.
"""

from __future__ import annotations

import random
import re
import struct
from collections.abc import Callable

from lab.sweep.grammar import experiment_grammar
from lab.topology.raw import RawLink, RawNode, RawRelays, RawTopology, RawTor, RawVpn

Change = Callable[[bytes, random.Random], bytes]

_KEYS = [
    key
    for model in (RawTopology, RawNode, RawLink, RawRelays, RawVpn, RawTor)
    for key in model.model_fields
]
_KEYS += [*experiment_grammar().model.model_fields, "load", "rate", "codec", "playout", "fault"]
_VALUES = """
null ~ true 0 1 -1 255 256 65536 1e9 .nan .inf -.inf 1e400 '' [] {} [1] {a: b} *a &a !!int 10s 0s
30m 100mbit 0mbit 99999999999gbit 1ms 100% 200% 10.0.0.0/24 10.0.0.5 0.0.0.0/0 ::1 router relay
caller paper v-tor sip PCMU OPUS/48000 wget:80:direct once 20ms Tokyo 5..1
"""
_WORDS = [*_KEYS, *_VALUES.split(), "9" * 5000, "-" * 300, "é", "\u202e", "'\\ud800'"]
_NUMBERS = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
_HEAD_BYTES = 64
"""Where most of what a reader decides by stands: in a packet, or in a file of audio."""


def changed(kind: str, content: bytes, chance: random.Random) -> bytes:
    """The input, changed once, or up to four times."""
    change = _CHANGES[kind]
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        content = change(content, chance)
    return content


def _text(content: bytes, chance: random.Random) -> bytes:
    lines = content.decode("utf-8", "replace").split("\n")
    at = chance.randrange(len(lines))
    line = lines[at]
    match chance.randrange(12):
        case 0:
            del lines[at]
        case 1:
            lines.insert(chance.randrange(len(lines) + 1), line)
        case 2:
            lines[at] = " " * chance.choice((0, 2, 4, 6)) + line.strip()
        case 3:
            lines[at] = re.sub(r"\w[\w-]*(?=:)", chance.choice(_KEYS), line, count=1)
        case 4:
            lines.insert(at, f"{' ' * chance.choice((0, 2, 4))}{chance.choice(_KEYS)}: x")
        case 5 if numbers := list(re.finditer(r"\d+", line)):
            found = chance.choice(numbers)
            number = str(chance.choice((0, -1, 2**31, 10**40, chance.randrange(300))))
            lines[at] = line[: found.start()] + number + line[found.end() :]
        case 8 | 9 if numbers := list(re.finditer(r"\d+", line)):
            found = chance.choice(numbers)
            was = int(found[0][:9])
            near = abs(was + chance.choice((-1, 1, 10, was)))
            lines[at] = f"{line[: found.start()]}{near}{line[found.end() :]}"
        case 10 | 11 if ": " in line:
            # What stands elsewhere in the file is of the right kind more often.
            values = [each.split(": ", 1)[1] for each in lines if ": " in each]
            lines[at] = f"{line.split(': ', 1)[0]}: {chance.choice(values)}"
        case 6 if ": " in line:
            lines[at] = f"{line.split(': ', 1)[0]}: {chance.choice(_WORDS)}"
        case _ if words := list(re.finditer(r"[^\s:,\[\]{}]+", line)):
            found = chance.choice(words)
            lines[at] = line[: found.start()] + chance.choice(_WORDS) + line[found.end() :]
    return "\n".join(lines).encode("utf-8", "replace")


def _capture(content: bytes, chance: random.Random) -> bytes:
    head, packets = packets_of(content)
    if not packets:
        return _bytes(content, chance, len(content))
    at = chance.randrange(len(packets))
    match chance.randrange(7):
        case 0:
            del packets[at]
        case 1:
            packets.insert(chance.randrange(len(packets) + 1), packets[at])
        case 2:
            chance.shuffle(packets)
        case 3:
            times = struct.pack("<II", chance.choice(_NUMBERS), chance.choice(_NUMBERS))
            packets[at] = times + packets[at][8:]
        case 4:
            kept = chance.randrange(max(1, len(packets[at]) - 15))
            packet = packets[at][16 : 16 + kept]
            packets[at] = packets[at][:8] + struct.pack("<I", kept) + packets[at][12:16] + packet
        case 5:
            head = _bytes(head, chance, len(head))
        case _:
            start, end = (at, at + 1) if chance.random() < 0.5 else (0, len(packets))
            where = chance.randrange(16, 16 + _HEAD_BYTES)
            octet = chance.randrange(256)
            for n in range(start, end):
                if where < len(packets[n]):
                    packets[n] = packets[n][:where] + bytes([octet]) + packets[n][where + 1 :]
    return head + b"".join(packets)


def packets_of(content: bytes) -> tuple[bytes, list[bytes]]:
    """The file's head and its records, of a little-endian pcap file; of others none."""
    packets = []
    at = 24
    if content[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1"):
        while at + 16 <= len(content):
            end = at + 16 + int.from_bytes(content[at + 8 : at + 12], "little")
            packets.append(content[at:end])
            at = end
    return content[:24], packets


def _recording(content: bytes, chance: random.Random) -> bytes:
    match chance.randrange(5):
        case 0:
            return content[: chance.randrange(len(content) + 1)]
        case 1 if len(content) > 2 * _HEAD_BYTES:
            start = chance.randrange(_HEAD_BYTES, len(content))
            length = chance.randrange(len(content) - start + 1)
            filling = chance.choice((b"\0", b"\xff", chance.randbytes(64), content[44:4000]))
            part = (filling * (length // len(filling) + 1))[:length]
            return content[:start] + part + content[start + length :]
        case 2:
            at = chance.choice((12, 36, len(content)))
            name = chance.choice((b"LIST", b"fact", b"data", b"fmt ", b"ds64", b"RIFF"))
            size = struct.pack("<I", chance.choice(_NUMBERS))
            return content[:at] + name + size + chance.randbytes(8) + content[at:]
        case _:
            return _bytes(content, chance, _HEAD_BYTES)


def _bytes(content: bytes, chance: random.Random, within: int) -> bytes:
    """A number of one to four bytes in the first `within` of them."""
    if not content:
        return content
    width = chance.choice((1, 2, 4))
    number = chance.choice(_NUMBERS) % (1 << 8 * width)
    at = chance.randrange(min(within, len(content)))
    return content[:at] + number.to_bytes(width, "little") + content[at + width :]


_CHANGES: dict[str, Change] = {
    "topology": _text,
    "experiment": _text,
    "capture": _capture,
    "recording": _recording,
}
