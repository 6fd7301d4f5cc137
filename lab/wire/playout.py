"""How received voice is played out: the jitter buffer before the ear, and how a user writes it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

MIN_DEPTH_MS, MAX_DEPTH_MS = 20, 2000
PLAYOUT_PATTERN = r"(fixed|adaptive)(:[0-9]{1,4})?"


@dataclass(frozen=True, slots=True)
class Playout:
    """A playout buffer, of a phone or of a Mumble client.

    Fixed: voice is heard `depth_ms` after its first packet came; after a gap the buffer fills
    up to the depth anew, and only what would make the delay longer than `max_ms` is dropped.
    Adaptive: `depth_ms` is only where it starts; it follows what arrives late, up to `max_ms`,
    and leaves voice out where it is longer than that needs.
    """

    depth_ms: int = 200
    max_ms: int = MAX_DEPTH_MS
    adaptive: bool = False

    def __str__(self) -> str:
        kind = f"adaptive from {self.depth_ms}" if self.adaptive else f"fixed {self.depth_ms}"
        return f"{kind} ms, at most {self.max_ms} ms"

    @property
    def spec(self) -> str:
        """As `parse_playout` reads it."""
        return f"{'adaptive' if self.adaptive else 'fixed'}:{self.depth_ms}"


FIXED = Playout()
"""The usual one, of phones and Mumble clients alike, so that methods can be compared."""
ADAPTIVE = Playout(depth_ms=60, adaptive=True)
PJSUA_OWN = Playout(depth_ms=0, max_ms=500, adaptive=True)
"""What pjsua has where nobody sets anything: it begins to play at the first frame, and holds at
most 500 ms (pjmedia/stream.c)."""


def parse_playout(text: object) -> Playout:
    """A buffer such as `fixed:200` or `adaptive:60`, the number its (first) depth in ms.

    ValueError says what is wrong with it, as the end of a sentence.
    """
    match = re.fullmatch(PLAYOUT_PATTERN, text, re.ASCII) if isinstance(text, str) else None
    if not match:
        raise ValueError("is no playout buffer; write fixed:200 or adaptive:60")
    buffer = ADAPTIVE if match[1] == "adaptive" else FIXED
    depth_ms = int(match[2][1:]) if match[2] else buffer.depth_ms
    if not MIN_DEPTH_MS <= depth_ms <= MAX_DEPTH_MS:
        raise ValueError(f"cannot be so deep; write {MIN_DEPTH_MS} to {MAX_DEPTH_MS} ms")
    return replace(buffer, depth_ms=depth_ms)
