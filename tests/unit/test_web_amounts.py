"""Rates, times and shares in words."""

from __future__ import annotations

import pytest

from lab.web import amounts


@pytest.mark.parametrize(
    ("kbps", "words"),
    [
        (None, "not measured"),
        (0, "0 kbit/s"),
        (84.2, "84.2 kbit/s"),
        (999, "999 kbit/s"),
        (1500, "1.5 Mbit/s"),
        (100_000, "100 Mbit/s"),
        (1_000_000, "1 Gbit/s"),
        (1.234, "1.23 kbit/s"),
    ],
)
def test_a_rate_has_three_digits_and_its_unit(kbps: float | None, words: str) -> None:
    assert amounts.rate(kbps) == words


def test_a_link_without_a_cap_says_so() -> None:
    assert amounts.cap(None) == "no cap"
    assert amounts.cap(512) == "512 kbit/s"


@pytest.mark.parametrize(
    ("part", "whole", "words"),
    [(50, 100, "50 %"), (0.1, 100, "<1 %"), (0, 100, "0 %"), (None, 100, ""), (5, None, "")],
)
def test_a_share_of_what_is_not_known_is_not_told(
    part: float | None, whole: float | None, words: str
) -> None:
    assert amounts.share(part, whole) == words


def test_a_delay_has_three_digits() -> None:
    assert amounts.milliseconds(62.345) == "62.3 ms"
    assert amounts.milliseconds(120.4) == "120 ms"
