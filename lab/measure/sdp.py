"""What the SIP signalling in a capture says about its media: SDP bodies (RFC 8866)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from ipaddress import ip_address

import numpy as np

from lab.measure.capture import Address, Capture
from lab.measure.codecs import COMFORT_NOISE, STATIC, Codec
from lab.measure.fragments import datagrams
from lab.measure.packets import FIRST, LATER
from lab.measure.tunnels import TCP, UDP

_LINE = re.compile(
    rb"^(?:(?P<session>v=0)"
    rb"|c=IN IP[46] (?P<address>[^\s/]+)"
    rb"|m=\w+ (?P<port>\d+)\S* +(?P<profile>\S+) +(?P<types>[\d ]+)"
    rb"|(?P<unspoken>m=)"
    rb"|a=rtpmap:(?P<type>\d+) +(?P<name>[^/\s]+)/(?P<rate>\d+))",
    re.MULTILINE,
)

End = tuple[Address, int]
"""Address and port."""


@dataclass(frozen=True, slots=True)
class PayloadNames:
    """What payload types mean by the SDP of a capture, later descriptions before earlier ones."""

    at: dict[End, dict[int, Codec]] = field(default_factory=dict)
    """By where an end wants its media."""
    anywhere: dict[int, frozenset[Codec]] = field(default_factory=dict)
    """By payload type alone: everything that any description says of it."""

    def of(self, payload_type: int, *ends: End) -> Codec | None:
        """What the first of `ends` that describes the type says of it."""
        for end in ends:
            codec = self.at.get(end, {}).get(payload_type)
            if codec is not None:
                return codec
        return None


@dataclass(slots=True)
class _Media:
    """One media line with what belongs to it, up to the next."""

    port: int
    types: list[int]
    address: bytes | None
    """Its own connection line's, or the session's."""
    named: dict[int, Codec] = field(default_factory=dict)


def payload_names(capture: Capture) -> PayloadNames:
    """What the capture's SIP messages say of payload types.

    Messages that are encrypted, or cut before the SDP by the snap length, say nothing.
    """
    at: dict[End, dict[int, Codec]] = {}
    anywhere: dict[int, set[Codec]] = {}
    for message in _messages(capture):
        for media in _media(message):
            for number in media.types:
                codec = media.named.get(number) or STATIC.get(number)
                address = _address(media.address)
                if codec is None:
                    continue
                anywhere.setdefault(number, set()).add(codec)
                if address is not None:
                    at.setdefault((address, media.port), {})[number] = codec
    return PayloadNames(at, {number: frozenset(codecs) for number, codecs in anywhere.items()})


def comfort_noise_agreed(capture: Capture) -> bool | None:
    """Whether every description of media in a capture, offer and answer, has comfort noise.

    None where no offer with its answer was seen, and nothing in what was rules it out.
    """
    has = [
        any((media.named.get(number) or STATIC.get(number)) == COMFORT_NOISE for number in types)
        for message in _messages(capture)
        for media in _media(message)
        if (types := media.types)
    ]
    if not all(has):
        return False
    return True if len(has) > 1 else None


def _messages(capture: Capture) -> Iterator[bytes]:
    candidates = np.flatnonzero(
        np.isin(capture.protocol, (TCP, UDP))
        & (capture.payload_captured_bytes > 100)
        & (capture.fragment != LATER)
    )
    # SIP messages start with a letter, and RTP (version 2) and TLS never do.
    first = capture.data[capture.payload_start[candidates]]
    letters = candidates[(first >= ord("A")) & (first <= ord("Z"))]
    parted = capture.fragment[letters] == FIRST
    whole = datagrams(capture) if parted.any() else {}
    for packet in letters.tolist():
        payload = capture.payload(packet)
        if b"SIP/2.0" in payload:
            yield payload + b"".join(capture.payload(part) for part in whole.get(packet, ()))


def _media(message: bytes) -> list[_Media]:
    """The media of a message, each with its own payload types: video may use the same numbers."""
    found: list[_Media] = []
    session: bytes | None = None
    media: _Media | None = None
    for line in _LINE.finditer(message):
        kind = line.lastgroup
        if kind == "session":
            session = media = None
        elif kind == "address" and media is None:
            session = line["address"]
        elif kind == "address" and media is not None:
            media.address = line["address"]
        elif kind == "types":
            types = [int(number) for number in line["types"].split()]
            media = _Media(int(line["port"]), types, session)
            if b"RTP" in line["profile"]:
                found.append(media)
        elif kind == "unspoken":
            media = _Media(0, [], session)
        elif kind == "rate" and media is not None:
            media.named[int(line["type"])] = _codec(line["name"], line["rate"])
    return found


@cache
def _codec(name: bytes, rate: bytes) -> Codec:
    return Codec(name.decode("ascii", "replace").upper(), int(rate))


@cache
def _address(text: bytes | None) -> Address | None:
    try:
        return ip_address((text or b"").decode("ascii"))
    except ValueError:
        return None
