"""Of every packet the first copy that comes, at once: nothing is held back to be put in order.

Voice over RTP is put in order by the playout buffer, and OpenVPN lets packets pass each other
(`--replay-window`).
"""

from __future__ import annotations

WINDOW = 4096
"""Numbers that are remembered below the highest that came: 80 s of voice in packets of 20 ms."""


class FirstCopies:
    """The numbers of the packets that came."""

    def __init__(self) -> None:
        self._recent: set[int] = set()
        self._highest = 0
        self._taken = 0
        self.duplicates = 0
        """Copies that were not the first."""

    def take(self, number: int) -> bool:
        """Whether this is the first copy of the packet; numbers count from 1.

        One from below the window is taken for a further copy.
        """
        if number in self._recent or number <= self._highest - WINDOW:
            self.duplicates += 1
            return False
        self._recent.add(number)
        self._taken += 1
        if number > self._highest:
            for gone in range(self._highest - WINDOW + 1, number - WINDOW + 1):
                self._recent.discard(gone)
            self._highest = number
        return True

    @property
    def lost(self) -> int:
        """Numbers up to the highest that came in no copy."""
        return self._highest - self._taken
