"""What is drawn of a call while it lasts."""

from __future__ import annotations

import numpy as np
import pytest

from lab.measure.capture import Floats
from lab.web.call.live_match import WINDOW_S, Window
from lab.web.call.strip_chart import SAID, clip_between, deadline_ms, frame, live_data, live_summary
from lab.web.call.waveform import Waveform
from lab.wire.playout import ADAPTIVE, parse_playout

NONE: Floats = np.zeros(0)
SAID_OF_2_S = Waveform(np.array([-0.1, -0.4]), np.array([0.2, 0.3]), 1.0, 2.0)


def window(delay_ms: list[float], now_s: float = 30.0, renumbered: bool = False) -> Window:
    """The newest packets, the last one at `now_s`; one more is overdue."""
    count = len(delay_ms)
    return Window(
        now_s=now_s,
        sent_s=now_s - 0.02 * np.arange(count - 1, -1, -1.0),
        delay_ms=np.array(delay_ms),
        overdue_s=np.array([now_s - 2.0]) if count else NONE,
        least_ms=min(delay_ms, default=None),
        sent=1500,
        came=1499 if count else 0,
        renumbered=renumbered,
    )


def test_the_deadline_is_the_depth_after_the_fastest_packet() -> None:
    fixed = parse_playout("fixed:60")
    assert deadline_ms(window([20.0, 75.0, 85.0]), fixed) == 80.0
    assert deadline_ms(window([]), fixed) is None, "no packet yet"
    assert deadline_ms(window([20.0]), ADAPTIVE) is None
    assert deadline_ms(window([20.0]), None) is None, "of a call that was not started here"


def test_packets_beyond_the_deadline_are_drawn_as_late() -> None:
    data = live_data(window([20.0, 75.0, 85.0]), parse_playout("fixed:60"), SAID_OF_2_S)
    in_time, late, lost, deadline, said = (series["data"] for series in data["series"])
    assert [y for _, y in in_time] == [20.0, 75.0]
    assert late == [[30.0, 85.0]]
    assert lost == [[28.0, 0.0]]
    assert deadline == [[10.0, 80.0], [30.0, 80.0]]
    assert {x for x, _ in said} <= set(range(10, 31))
    assert data["xAxis"] == [{"min": 10.0, "max": 30.0}] * 2
    assert len(data["series"]) == len(frame([SAID], WINDOW_S)["series"])


def test_without_a_deadline_nothing_is_called_late() -> None:
    data = live_data(window([20.0, 900.0], now_s=3.0), None, None)
    in_time, late, _, deadline, said = (series["data"] for series in data["series"])
    assert len(in_time) == 2
    assert (late, deadline, said) == ([], [], [])
    assert data["xAxis"][0] == {"min": 0.0, "max": WINDOW_S}, "the first 20 s stand still"


def test_a_clip_begins_again_where_it_ends() -> None:
    points = clip_between(SAID_OF_2_S, 3.0, 6.0)
    assert [x for x, _ in points] == [3.0, 3.0, 4.0, 4.0, 5.0, 5.0, 6.0, 6.0]
    assert [level for _, level in points] == [-0.4, 0.3, -0.1, 0.2] * 2


@pytest.mark.parametrize(
    ("seen", "told"),
    [
        (window([20.0, 75.0, 85.0]), "1 later than 80 ms, 1 not come. 1499 came"),
        (window([]), "no packet yet"),
        (window([], renumbered=True), "numbers packets anew"),
    ],
    ids=["late", "none", "renumbered"],
)
def test_it_is_told_in_words_as_well(seen: Window, told: str) -> None:
    words = live_summary("callee", seen, parse_playout("fixed:60"))
    assert words.startswith("To the callee")
    assert told in words
