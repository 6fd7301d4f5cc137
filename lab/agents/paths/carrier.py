"""What carries datagrams over the paths of a call: the same at both ends."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence

from lab.agents.paths.first_copies import FirstCopies
from lab.agents.paths.frames import NO_PATH, UNKNOWN, Frame, Packet, with_earlier
from lab.agents.paths.path import Path, clock_us
from lab.agents.paths.policies import layout_of, schedule_of
from lab.agents.paths.scores import Lateness, joined
from lab.wire.paths import Carriage, PathsTold


class Carrier:
    """Numbers what it is given, sends it by the policy's paths, and takes what comes once."""

    def __init__(self, carriage: Carriage, paths: Sequence[Path]) -> None:
        """`paths` in the order that both ends have them in."""
        self.paths = tuple(paths)
        self._schedule = schedule_of(carriage.policy, carriage.paths)
        self._layout = layout_of(carriage.policy, carriage.paths)
        self._lateness = Lateness(carriage.paths)
        self._others_scores = (UNKNOWN,) * carriage.paths
        self._earlier: deque[Packet] = deque(maxlen=carriage.paths)
        """As many as DONAR keeps, the latest first."""
        self._history = deque([NO_PATH] * self._layout.history, maxlen=self._layout.history)
        self._copies = FirstCopies()
        self._packets = self._frames = 0
        self._given = self._repaired = self._without_path = 0
        self._ended: set[int] = set()

    def carry(self, payload: bytes) -> None:
        """Send one datagram over the paths that are its turn."""
        now_s = time.monotonic()
        self._packets += 1
        packet = Packet(self._packets, payload)
        own = self._lateness.scores(now_s) if self._layout.scores else ()
        scores = joined(own, self._others_scores) if own else self._others_scores
        chosen = self._schedule.choose(self._alive(), scores, now_s)
        if not chosen:
            self._without_path += 1
        packets: tuple[Packet, ...] = (packet,)
        if self._schedule.repeats:
            packets = with_earlier(self._layout, packet, self._earlier)
            self._earlier.appendleft(packet)
        for number in chosen:
            frame = Frame(self._frames + 1, clock_us(), packets, tuple(self._history), own)
            if self.paths[number].send(frame):
                self._frames += 1
                self._history.appendleft(number)

    def came(self, number: int) -> list[bytes]:
        """Datagrams of which a first copy has come by the path of that number, in its order."""
        path, taken = self.paths[number], list[bytes]()
        for frame in path.receive():
            if self._layout.scores:
                now_s = time.monotonic()
                if self._lateness.note(frame.number, number, frame.history, now_s):
                    self._others_scores = frame.scores
            # Repetitions are older than what the frame was sent for: so they go first.
            for place, packet in reversed(list(enumerate(frame.packets))):
                if self._copies.take(packet.number):
                    path.first_packets += 1
                    self._repaired += place > 0
                    taken.append(packet.payload)
        self._given += len(taken)
        return taken

    def told(self) -> PathsTold:
        """What was carried so far."""
        return PathsTold(
            paths=tuple(path.told() for path in self.paths),
            taken_packets=self._packets,
            given_packets=self._given,
            duplicate_packets=self._copies.duplicates,
            repaired_packets=self._repaired,
            lost_packets=self._copies.lost,
            without_path=self._without_path,
        )

    def _alive(self) -> list[int]:
        """The paths that live; of those that have ended since, nothing is awaited any more."""
        alive = [number for number, path in enumerate(self.paths) if path.ended is None]
        for gone in set(range(len(self.paths))) - set(alive) - self._ended:
            self._ended.add(gone)
            self._lateness.forget(gone)
        return alive
