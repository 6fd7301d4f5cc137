"""What a client tells when it leaves its call."""

from __future__ import annotations

import resource
import time
from collections.abc import Sequence

from lab.wire.voice_client import Left, Playback


def left(playbacks: tuple[Playback, ...], round_trips_ms: Sequence[float]) -> Left:
    """That all is written, and what the process has taken of a processor and of memory so far."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return Left(
        at_s=time.time(),
        playbacks=playbacks,
        round_trips_ms=tuple(round_trips_ms),
        cpu_s=usage.ru_utime + usage.ru_stime,
        max_rss_kib=usage.ru_maxrss,
    )
