"""What a phone can be asked for: to register, and to play and record in a call."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from ipaddress import IPv4Address
from pathlib import PurePosixPath
from typing import Any

from lab.wire.codecs import Coding
from lab.wire.playout import FIXED, Playout


@dataclass(frozen=True, slots=True)
class Registration:
    """How a phone makes itself known to the PBX."""

    extension: str
    password: str = field(repr=False)
    pbx_address: IPv4Address
    bind_address: IPv4Address
    """The phone's own address: at home or inside the tunnel, according to the method."""
    coding: Coding
    tunnelled: bool = False
    """Whether that address is the one inside the tunnel."""
    pbx_port: int = 5060
    playout: Playout = FIXED

    def to_order(self) -> dict[str, Any]:
        """The order `register` as the agent reads it."""
        return {
            "op": "register",
            "extension": self.extension,
            "password": self.password,
            "pbx_address": str(self.pbx_address),
            "pbx_port": self.pbx_port,
            "bind_address": str(self.bind_address),
            "tunnelled": self.tunnelled,
            "codec": self.coding.codec.name,
            "ptime_ms": self.coding.ptime_ms,
            "bitrate_kbps": self.coding.bitrate_kbps,
            "playout": asdict(self.playout),
        }


@dataclass(frozen=True, slots=True)
class VoiceOrder:
    """What a phone plays and records in a call; paths are those of its node."""

    clip: PurePosixPath
    record: PurePosixPath
    duration_s: float | None = None
    """How long to play; None is the clip once, more than its length repeats it."""
    quiet_s: float = 3.0
    """After so long without a packet the other end is taken to have finished."""

    def to_fields(self) -> dict[str, Any]:
        """The fields of the orders `listen` and `call` as the agent reads them."""
        return {
            "clip": str(self.clip),
            "record": str(self.record),
            "duration_s": self.duration_s,
            "quiet_s": self.quiet_s,
        }
