"""Counts the cells of every circuit through this node's Tor, by what Tor itself tells of them.

Tor tells each second how many cells of a circuit it queued and sent, with the circuit's identifier
on either side (CELL_STATS, control-spec 4.1.19), as long as TestingEnableCellStatsEvent is set.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping

import stem
from stem.control import Controller, EventType
from stem.response.events import CellStatsEvent

from lab.agents.tor.control import ControlError, connect, follow
from lab.agents.tor.node import files_from
from lab.agents.tor.nodelay import NodelayError, seen_in
from lab.wire.line import Line
from lab.wire.messages import Failed
from lab.wire.tor_witness import (
    WITNESS,
    CircuitsSeen,
    SeenCircuit,
    TellCircuits,
    WatchCircuits,
    Watching,
)

OPTION = "TestingEnableCellStatsEvent"
CONNECT_DEADLINE_S = 5.0


class CellCounts:
    """Cells by circuit."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str | None, int | None], SeenCircuit] = {}
        """By a circuit's number here and its inbound identifier."""
        self._lock = threading.Lock()

    def note(self, event: CellStatsEvent) -> None:
        """Add what one second brought to a circuit; its outbound side may come later."""
        inbound, outbound = _identifier(event.inbound_queue), _identifier(event.outbound_queue)
        key = event.id, inbound
        with self._lock:
            before = self._seen.get(key, SeenCircuit(*key, None, 0, 0))
            self._seen[key] = SeenCircuit(
                *key,
                outbound or before.outbound,
                before.cells_out + _total(event.outbound_removed),
                before.cells_back + _total(event.inbound_removed),
            )

    def told(self) -> tuple[SeenCircuit, ...]:
        """Every circuit so far."""
        with self._lock:
            return tuple(self._seen.values())


def _identifier(queue: str | None) -> int | None:
    """0 stands for a side that there is not."""
    return int(queue or 0) or None


def _total(cells: Mapping[str, int] | None) -> int:
    return sum(cells.values()) if cells else 0


def watch(tor: Controller, counts: CellCounts, line: Line) -> None:
    """Count until asked for it, or until the input ends."""
    unfollow = follow(tor, EventType.CELL_STATS, counts.note, lambda why: line.say(Failed(why)))
    tor.set_conf(OPTION, "1")
    try:
        line.say(Watching())
        order = line.hear_first(TellCircuits)
    finally:
        # What nobody listens to, Tor would keep.
        tor.reset_conf(OPTION)
        unfollow()
    if order is not None:
        files = files_from()
        line.say(CircuitsSeen(counts.told(), seen_in(int(tor.get_info("process/pid")), files.data)))


def main() -> None:
    """Watch during one call."""
    line = Line(WITNESS)
    if line.hear_first(WatchCircuits) is None:
        return
    try:
        with connect(files_from(), CONNECT_DEADLINE_S) as tor:
            watch(tor, CellCounts(), line)
    except (ControlError, NodelayError) as error:
        line.say(Failed(str(error)))
    except stem.ControllerError as error:
        line.say(Failed(f"{type(error).__name__}: {error}"))


if __name__ == "__main__":
    main()
