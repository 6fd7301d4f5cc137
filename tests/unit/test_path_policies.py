"""Which packet goes over which paths, and how late paths are found to be."""

from __future__ import annotations

import pytest

from lab.agents.paths.frames import NO_PATH, UNKNOWN
from lab.agents.paths.policies import Schedule, layout_of, schedule_of
from lab.agents.paths.scores import WINDOW_S, Lateness, joined
from lab.wire.paths import MOST_PATHS, Policy

PACKET_S = 0.02


def chosen(
    schedule: Schedule, scores: list[int], packets: int, alive: list[int] | None = None
) -> list[tuple[int, ...]]:
    paths = list(range(len(scores))) if alive is None else alive
    return [schedule.choose(paths, scores, number * PACKET_S) for number in range(packets)]


def test_duplicates_go_over_every_path_that_lives() -> None:
    schedule = schedule_of(Policy.DUPLICATE, 3)
    assert chosen(schedule, [9, 0, UNKNOWN], 1) == [(0, 1, 2)]
    assert chosen(schedule, [9, 0, UNKNOWN], 1, [0, 2]) == [(0, 2)]
    assert not schedule.repeats
    assert layout_of(Policy.DUPLICATE, 3).scores == 0


def test_alternating_takes_the_fast_path_and_the_slow_one_in_turn() -> None:
    schedule = schedule_of(Policy.ALTERNATE, 2)
    assert chosen(schedule, [50, 3], 4) == [(1,), (0,), (1,), (0,)]
    assert schedule.repeats


def test_fast_slow_takes_one_of_each_for_every_packet() -> None:
    assert chosen(schedule_of(Policy.FAST_SLOW, 2), [50, 3], 2) == [(1, 0), (1, 0)]


def test_a_quarter_is_fast_as_many_slow_and_of_each_the_least_used_goes_next() -> None:
    scores = [70, 60, 50, 40, 30, 20, 10, 0]
    assert chosen(schedule_of(Policy.FAST_SLOW, 8), scores, 3) == [(7, 5), (6, 4), (7, 5)]


def test_once_in_the_window_the_worst_in_use_rests_and_the_longest_resting_is_tried() -> None:
    schedule = schedule_of(Policy.FAST_SLOW, 4)
    packets = round(WINDOW_S / PACKET_S)
    assert set(chosen(schedule, [0, 10, 20, 30], packets)) == {(0, 1)}
    assert schedule.choose(range(4), [0, 10, 20, 30], WINDOW_S) == (0, 2)
    assert schedule.choose(range(4), [0, 10, 20, 30], 2 * WINDOW_S) == (0, 3)
    assert schedule.choose(range(4), [0, 10, 20, 30], 3 * WINDOW_S) == (0, 1)


@pytest.mark.parametrize("policy", list(Policy))
@pytest.mark.parametrize("paths", range(1, MOST_PATHS + 1))
def test_every_policy_goes_on_with_the_last_path_and_gives_up_without_any(
    policy: Policy, paths: int
) -> None:
    schedule = schedule_of(policy, paths)
    scores = [UNKNOWN] * paths
    assert all(chosen(schedule, scores, 3))
    assert chosen(schedule, scores, 3, [paths - 1]) == [(paths - 1,)] * 3
    assert chosen(schedule, scores, 1, []) == [()]


def test_a_path_of_which_nothing_is_known_ranks_behind_every_other() -> None:
    assert chosen(schedule_of(Policy.ALTERNATE, 2), [UNKNOWN, 900], 1) == [(1,)]


def test_a_frame_is_late_by_the_time_since_it_was_overtaken() -> None:
    late = Lateness(2)
    assert late.note(1, 0, (NO_PATH,), 0.00)
    assert late.note(3, 0, (1,), 0.04)
    assert late.scores(0.10) == (0, 60), "it has not come yet"
    assert not late.note(2, 1, (0,), 0.12), "older than what was heard"
    assert late.scores(0.50) == (0, 80)
    assert late.note(4, 1, (0,), 0.50)
    assert late.scores(0.60) == (0, 40), "the mean, what was in order counting 0"
    assert late.scores(0.13 + WINDOW_S) == (UNKNOWN, 0)


def test_of_a_path_that_has_ended_nothing_is_awaited() -> None:
    late = Lateness(2)
    late.note(2, 0, (1,), 0.0)
    assert late.scores(0.5) == (0, 500)
    late.forget(1)
    assert late.scores(0.5) == (0, UNKNOWN)


def test_both_ends_scores_are_averaged_where_both_know() -> None:
    assert joined((10, UNKNOWN, 30, UNKNOWN), (20, 5, UNKNOWN, UNKNOWN)) == (15, 5, 30, UNKNOWN)
