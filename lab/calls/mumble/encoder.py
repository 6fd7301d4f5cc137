"""How Mumble clients encode."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class OpusSettings:
    """How a client encodes; the defaults are those of Mumble 1.3: 40 kbit/s, constant."""

    bitrate_bps: int = 40_000
    vbr: bool = False
    """Whether Opus may vary its rate around the one that is asked for."""
    ptime_ms: int = 20

    def __str__(self) -> str:
        kind = "variable" if self.vbr else "constant"
        return f"Opus {self.bitrate_bps / 1000:g} kbit/s {kind}, {self.ptime_ms} ms packets"
