"""How late this host wakes a process that asked for a moment, and whether its clock was set."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from lab.wire.probe import Scheduling

INTERVAL_S = 0.005
AT_ONCE_NS = 50_000
"""Two clocks are compared only where both were read within so short a time."""


class LatenessTimer:
    """Sleeps to a 5 ms grid in a thread of its own and notes by how much it overslept.

    A phone waits for its next packet in the same way, so what delays this thread delays
    voice before any network has touched it. At every waking it compares the clock that
    captures are stamped with to the one that nobody can set.
    """

    def __init__(self, wall_clock_ns: Callable[[], int] = time.time_ns) -> None:
        self._wall_clock_ns = wall_clock_ns
        self._late_ms: list[float] = []
        self._offsets_ns: list[int] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> Scheduling:
        """End it; the 99th percentile and the maximum of the lateness, and the clock's shift, ms.

        The shift is between the extremes of wall clock minus monotonic clock: a clock that is
        only slewed shifts both alike, and by 0.
        """
        self._stop.set()
        self._thread.join()
        late_ms, offsets_ns = sorted(self._late_ms), self._offsets_ns
        return Scheduling(
            p99_ms=late_ms[int(0.99 * (len(late_ms) - 1))] if late_ms else None,
            max_ms=late_ms[-1] if late_ms else None,
            clock_shift_ms=(max(offsets_ns) - min(offsets_ns)) / 1e6 if offsets_ns else None,
        )

    def _run(self) -> None:
        due = time.monotonic() + INTERVAL_S
        while not self._stop.is_set():
            time.sleep(max(0.0, due - time.monotonic()))
            now = time.monotonic()
            self._late_ms.append((now - due) * 1000)
            self._compare_clocks()
            # After a stall the grid starts anew: one stall is counted once.
            due = max(due + INTERVAL_S, now)

    def _compare_clocks(self) -> None:
        before_ns = time.monotonic_ns()
        wall_ns = self._wall_clock_ns()
        after_ns = time.monotonic_ns()
        if after_ns - before_ns < AT_ONCE_NS:
            self._offsets_ns.append(wall_ns - (before_ns + after_ns) // 2)
