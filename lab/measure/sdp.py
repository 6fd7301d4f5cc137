"""What the SIP signalling in a capture says about its media: SDP bodies (RFC 8866)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address

import numpy as np

from lab.measure.capture import Address, Capture
from lab.measure.codecs import STATIC, Codec
from lab.measure.tunnels import TCP, UDP

_MEDIA = re.compile(rb"^m=audio (\d+)[ /].*?RTP/\S+ ([\d ]+)", re.MULTILINE)
_CONNECTION = re.compile(rb"^c=IN IP[46] ([^\s/]+)", re.MULTILINE)
_RTPMAP = re.compile(rb"^a=rtpmap:(\d+) ([^/\s]+)/(\d+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class MediaDescription:
    """One end's offer or answer: where it wants its audio, and what the payload types mean."""

    address: Address
    port: int
    codecs: dict[int, Codec]


def media_descriptions(capture: Capture) -> tuple[MediaDescription, ...]:
    """Every audio description in the capture's SIP messages, later ones last.

    Messages that are encrypted, or cut before the SDP by the snap length, say nothing.
    """
    candidates = np.flatnonzero(
        np.isin(capture.protocol, (TCP, UDP)) & (capture.payload_captured_bytes > 100)
    )
    # SIP messages start with a letter, and RTP (version 2) and TLS never do.
    first = capture.data[capture.payload_start[candidates]]
    letters = candidates[(first >= ord("A")) & (first <= ord("Z"))]
    found = []
    for packet in letters:
        payload = capture.payload(int(packet))
        if b"SIP/2.0" in payload:
            found += _descriptions(payload)
    return tuple(found)


def _descriptions(message: bytes) -> list[MediaDescription]:
    media = _MEDIA.search(message)
    connection = _CONNECTION.search(message)
    if media is None or connection is None:
        return []
    try:
        address = ip_address(connection[1].decode("ascii"))
    except ValueError:
        return []
    named = {
        int(number): Codec(name.decode("ascii", "replace").upper(), int(rate))
        for number, name, rate in _RTPMAP.findall(message, media.start())
    }
    offered = [int(number) for number in media[2].split()]
    codecs = {number: named.get(number) or STATIC.get(number) for number in offered}
    known = {number: codec for number, codec in codecs.items() if codec is not None}
    return [MediaDescription(address, int(media[1]), known)]
