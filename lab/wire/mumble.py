"""What a Mumble client is told, and what it tells of the one call it is for."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import PurePosixPath

from lab.wire.messages import Dialogue, Event, Order
from lab.wire.playout import Playout
from lab.wire.proxy import SocksProxy
from lab.wire.voice import Expect, Played, Playing, Received

MAX_USERS = 1000
"""Clients that a lab's Murmur admits."""


@dataclass(frozen=True, slots=True)
class OpusSettings:
    """How a client encodes; the defaults are those of Mumble 1.3: 40 kbit/s, constant."""

    bitrate_bps: int = 40_000
    vbr: bool = False
    """Whether Opus may vary its rate around the one that is asked for."""
    ptime_ms: int = 20
    """How much voice goes into a packet: 10, 20, 40 or 60."""

    def __str__(self) -> str:
        kind = "variable" if self.vbr else "constant"
        return f"Opus {self.bitrate_bps / 1000:g} kbit/s {kind}, {self.ptime_ms} ms packets"


@dataclass(frozen=True, slots=True)
class MumbleServer:
    """A server, and the certificate by which it is known."""

    address: IPv4Address
    port: int
    fingerprint: str
    """SHA-256 of its certificate, hexadecimal."""
    onion: str | None = None
    """The name of its onion service, for a proxy that is to be asked for that one."""


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording of what comes, through one playout buffer."""

    file: PurePosixPath
    rate_hz: int
    playout: Playout


@dataclass(frozen=True, slots=True)
class Join(Order):
    """Connect and go into the call's channel: `Joined` once the peer is there as well."""

    server: MumbleServer
    name: str
    peer: str
    """The name of the client it talks to."""
    channel: str
    creates: bool
    """Whether it opens the channel, or waits for the other to do so."""
    proxy: SocksProxy | None
    deadline_s: float = 30.0


@dataclass(frozen=True, slots=True)
class Talk(Order):
    """Play and record: `Playing`, then `Played`. Paths are those of the client's node."""

    clip: PurePosixPath
    duration_s: float
    """How long to play: the clip is repeated, or cut."""
    opus: OpusSettings
    sent_log: PurePosixPath
    received_log: PurePosixPath
    recordings: tuple[Recording, ...]
    quiet_s: float = 3.0
    """After so long without a packet the other end is taken to have finished."""


@dataclass(frozen=True, slots=True)
class Leave(Order):
    """Write recordings and logs and end: `Left`."""


@dataclass(frozen=True, slots=True)
class Joined(Event):
    """Both clients are in the channel."""

    at_s: float
    setup_ms: float
    """From the order until the server let this client in."""
    tls: str
    """Version and cipher suite."""
    opus: str
    """The library and its version."""


@dataclass(frozen=True, slots=True)
class Playback:
    """What one playout buffer made of the packets that came."""

    file: PurePosixPath
    packets: int
    ticks: int
    """Packets' times from the arrival of the first one to the end."""
    concealed: int
    """Ticks at which nothing was there to be played, the first filling apart."""
    skipped: int
    """Packets that came and were left out."""
    delay_ms_mean: float
    """How long a packet that was played had waited since it came, on average."""
    delay_ms_max: float


@dataclass(frozen=True, slots=True)
class Left(Event):
    """All is written; what the call was like for this client."""

    at_s: float
    playbacks: tuple[Playback, ...]
    """In the order of the recordings."""
    round_trips_ms: tuple[float, ...]
    """Of Mumble's own pings to the server."""
    cpu_s: float
    max_rss_kib: int


MUMBLE_CLIENT = Dialogue(
    "mumble.client",
    orders=(Join, Talk, Expect, Leave),
    events=(Joined, Playing, Played, Received, Left),
)


@dataclass(frozen=True, slots=True)
class ClientReport:
    """What a Mumble client told of its call; None is what it did not come to."""

    joined: Joined | None = None
    playing: Playing | None = None
    played: Played | None = None
    received: Received | None = None
    left: Left | None = None
