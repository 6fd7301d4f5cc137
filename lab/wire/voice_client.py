"""What a client of the lab's own is told and tells while it talks: a Mumble client, a WebRTC phone.

They encode Opus, log every packet and play what came through a buffer of the lab's own, so that
what they are told of a clip and its recordings is the same for all.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

from lab.wire.messages import Event, Order
from lab.wire.playout import Playout


@dataclass(frozen=True, slots=True)
class OpusSettings:
    """How a client encodes; the defaults are those of Mumble 1.3: 40 kbit/s, constant."""

    bitrate_bps: int = 40_000
    vbr: bool = False
    """Whether Opus may vary its rate around the one that is asked for."""
    ptime_ms: int = 20
    """How much voice goes into a packet: 10, 20, 40 or 60."""
    fec: bool = False
    """Whether a packet repeats the one before it, coarsely (RFC 6716, 2.1.7)."""

    def __str__(self) -> str:
        kind = "variable" if self.vbr else "constant"
        words = f"Opus {self.bitrate_bps / 1000:g} kbit/s {kind}, {self.ptime_ms} ms packets"
        return f"{words}, in-band FEC" if self.fec else words


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording of what comes, through one playout buffer."""

    file: PurePosixPath
    rate_hz: int
    playout: Playout


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
    """Of the client's own questions to its server."""
    cpu_s: float
    max_rss_kib: int
