"""What a WebRTC phone is told, and what it tells of the one call it is for.

The two descriptions of a call (SDP, RFC 8866) are carried from one phone to the other by whoever
gives the orders: WebRTC leaves open how, and no packet of it crosses the lab's networks.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address

from lab.wire.messages import Dialogue, Event, Order
from lab.wire.proxy import SocksProxy
from lab.wire.voice import Expect, Played, Playing, Received
from lab.wire.voice_client import Leave, Left, Talk


@dataclass(frozen=True, slots=True)
class TurnServer:
    """A TURN server that is reached over TCP: a phone talks by its relayed addresses alone."""

    address: IPv4Address
    port: int
    user: str
    """Its password is a file of the phone's node."""


@dataclass(frozen=True, slots=True)
class Gather(Order):
    """Have the TURN server relay, and describe what the phone offers: `Described`."""

    turn: TurnServer
    fec: bool
    """Whether it asks for Opus with in-band FEC (RFC 7587, 6.1)."""
    proxy: SocksProxy | None
    """Through which the TURN server is reached."""
    offer: str | None = None
    """The other's description, where it is to be answered."""
    deadline_s: float = 30.0


@dataclass(frozen=True, slots=True)
class Accept(Order):
    """Take the other's answer."""

    answer: str


@dataclass(frozen=True, slots=True)
class Described(Event):
    """The phone's own description, with its candidates."""

    sdp: str


@dataclass(frozen=True, slots=True)
class Connected(Event):
    """ICE has found a way and DTLS has agreed on keys."""

    at_s: float
    setup_ms: float
    """From the order to gather until then."""
    engine: str
    """The WebRTC library and its version."""
    opus: str
    """The codec library and its version."""
    srtp: str
    """The protection profile that DTLS agreed on."""
    peer_fec: bool
    """Whether the other asked for in-band FEC."""


WEBRTC_PHONE = Dialogue(
    "webrtc.phone",
    orders=(Gather, Accept, Talk, Expect, Leave),
    events=(Described, Connected, Playing, Played, Received, Left),
)


@dataclass(frozen=True, slots=True)
class WebrtcReport:
    """What a WebRTC phone told of its call; None is what it did not come to."""

    described: Described | None = None
    connected: Connected | None = None
    playing: Playing | None = None
    played: Played | None = None
    received: Received | None = None
    left: Left | None = None
