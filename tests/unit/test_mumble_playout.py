"""Playout buffers: what is heard when packets come evenly, late, in heaps or not at all."""

from __future__ import annotations

from itertools import pairwise

from lab.agents.voice.playout import Arrival, play_out
from lab.wire.playout import Playout

PTIME_MS = 20.0
FIXED = Playout(depth_ms=100, max_ms=400)
ADAPTIVE = Playout(depth_ms=40, max_ms=400, adaptive=True)


def arrivals(*delays_ms: float) -> list[Arrival]:
    """Packets that were sent every 20 ms and needed that long, in order of arrival."""
    came = [Arrival(index * PTIME_MS + delay, index) for index, delay in enumerate(delays_ms)]
    return sorted(came, key=lambda arrival: arrival.at_ms)


def test_even_packets_are_all_heard_after_the_depth_of_the_buffer() -> None:
    playback = play_out(arrivals(*[5.0] * 50), FIXED, PTIME_MS)
    assert [packet for packet in playback.heard if packet is not None] == list(range(50))
    assert playback.heard[:4] == (None,) * 4
    assert playback.concealed == playback.skipped == 0
    assert playback.delay_ms_max <= 100


def test_jitter_below_the_depth_is_not_heard() -> None:
    playback = play_out(arrivals(*[0.0, 79.0] * 25), FIXED, PTIME_MS)
    assert playback.concealed == 0


def test_a_stall_longer_than_the_depth_is_heard_as_one_gap_and_nothing_is_lost() -> None:
    stall = [300.0 - 20 * n for n in range(15)]
    playback = play_out(arrivals(*[0.0] * 20, *stall, *[0.0] * 20), FIXED, PTIME_MS)
    played = [packet for packet in playback.heard if packet is not None]
    assert played == list(range(55))
    assert 0 < playback.concealed * PTIME_MS <= 300 + FIXED.depth_ms


def test_a_lost_packet_is_concealed_in_its_place() -> None:
    came = [arrival for arrival in arrivals(*[0.0] * 30) if arrival.index != 10]
    playback = play_out(came, FIXED, PTIME_MS)
    before, after = playback.heard.index(9), playback.heard.index(11)
    assert playback.heard[before + 1 : after] == (None,)
    assert playback.concealed == 1


def test_what_would_make_the_buffer_too_long_is_left_out_oldest_first() -> None:
    stall = [1000.0 - 20 * n for n in range(50)]
    playback = play_out(arrivals(*[0.0] * 20, *stall, *[0.0] * 20), FIXED, PTIME_MS)
    assert playback.skipped > 0
    assert playback.delay_ms_max <= FIXED.max_ms + PTIME_MS
    assert playback.heard[-1] == 89


def test_an_adaptive_buffer_is_shorter_than_the_fixed_one_on_an_even_path() -> None:
    even = arrivals(*[3.0] * 200)
    adaptive, fixed = (play_out(even, buffer, PTIME_MS) for buffer in (ADAPTIVE, FIXED))
    assert adaptive.concealed == 0
    assert adaptive.delay_ms_mean < fixed.delay_ms_mean / 2


def test_an_adaptive_buffer_grows_with_the_jitter_and_then_conceals_less() -> None:
    uneven = arrivals(*[0.0, 40.0, 90.0, 10.0] * 100)
    playback = play_out(uneven, ADAPTIVE, PTIME_MS)
    half = len(playback.heard) // 2
    assert playback.heard[half:-1].count(None) <= playback.heard[3:half].count(None)
    assert playback.delay_ms_mean > 40


def test_packets_are_heard_in_their_order_and_once() -> None:
    mixed = arrivals(*[0.0, 70.0, 10.0, 200.0, 0.0] * 30)
    for buffer in (FIXED, ADAPTIVE):
        played = [n for n in play_out(mixed, buffer, PTIME_MS).heard if n is not None]
        assert all(one < next_one for one, next_one in pairwise(played))


def test_nothing_came_and_nothing_is_heard() -> None:
    assert play_out([], FIXED, PTIME_MS).heard == ()
