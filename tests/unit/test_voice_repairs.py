"""In-band FEC: which missing packets are heard from what the next one repeats of them."""

from __future__ import annotations

from lab.agents.voice.playout import Arrival, play_out
from lab.agents.voice.recording import Came, repairs_of
from lab.wire.playout import Playout

PTIME_MS = 20
BUFFER = Playout(depth_ms=60, max_ms=400)


def repaired(came_ms: dict[int, float]) -> list[bytes]:
    """What is taken for repairs, where packet → ms at which it came."""
    packets = {
        index: Came(index * PTIME_MS, round(at * 1e6), bytes([index]))
        for index, at in sorted(came_ms.items(), key=lambda item: item[1])
    }
    arrivals = [Arrival(came.time_ns / 1e6, index) for index, came in packets.items()]
    return list(repairs_of(play_out(arrivals, BUFFER, PTIME_MS), packets, PTIME_MS).values())


def even(*lost: int) -> dict[int, float]:
    return {n: 20.0 * n for n in range(30) if n not in lost}


def test_a_lost_packet_is_repaired_from_the_one_after_it() -> None:
    assert repaired(even(10)) == [bytes([11])]


def test_of_several_lost_in_a_row_only_the_last_is_repeated() -> None:
    assert repaired(even(10, 11, 12)) == [bytes([13])]


def test_what_is_only_late_is_not_repaired_and_nothing_is_without_loss() -> None:
    assert repaired(even()) == []
    stalled = {n: max(20.0 * n, 500.0) if n >= 10 else 20.0 * n for n in range(30)}
    assert repaired(stalled) == []


def test_a_next_packet_that_has_not_come_yet_repairs_nothing() -> None:
    late = even(10) | {11: 20.0 * 11 + 60.0}
    assert repaired(late) == []
