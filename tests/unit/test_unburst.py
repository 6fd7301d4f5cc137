"""Profiles without the waiting for steady bursts: what is taken out, and what is left."""

from __future__ import annotations

import numpy as np
import pytest
from field_sample import FIELD
from field_tree import needs_field

from lab.errors import LabError
from lab.field.layout import find_calls
from lab.field.profiles import Wanted, profile_of
from lab.measure.arrivals import STEADY, diagnose
from lab.measure.capture import read_capture
from lab.measure.profile import Profile, ProfileClock, VoiceWay
from lab.measure.replay import used_in_words
from lab.measure.rtp import streams
from lab.measure.unburst import unburst, without_bursts

COUNT = 900
BASE_US = 80_000
GENERATOR = np.random.default_rng(3)


def way(takes_us: list[int | None]) -> VoiceWay:
    return VoiceWay("PCMU", 20.0, tuple(20_000 * n for n in range(COUNT)), tuple(takes_us))


def held_back(every: int = 3) -> list[int | None]:
    """Packets wait until the last of `every` was sent, and that one a millisecond at most."""
    waits = GENERATOR.integers(0, 1000, COUNT // every + 1)
    return [
        BASE_US + 20_000 * (every - 1 - n % every) + int(waits[n // every]) for n in range(COUNT)
    ]


def even() -> list[int | None]:
    return [BASE_US + int(us) for us in GENERATOR.integers(0, 2000, COUNT)]


def profile(there: VoiceWay, back: VoiceWay) -> Profile:
    return Profile(("a", "b"), ProfileClock("shared", 0.0, 0.0), there, back)


def test_every_packet_of_a_burst_waits_as_little_as_the_last() -> None:
    held = way(held_back())
    assert held.bursts.mean == pytest.approx(3.0)
    freed = unburst(held)
    assert freed is not None
    assert freed.at_us == held.at_us
    takes = np.array(freed.takes_us, float)
    assert takes.min() >= BASE_US
    assert takes.max() < BASE_US + 1000
    assert freed.bursts.mean == pytest.approx(1.0)
    assert unburst(freed) is None, "there is no more to take out"


def test_losses_stay_and_nobody_overtakes() -> None:
    takes = held_back()
    for lost in (5, 300, 301, 302, 777):
        takes[lost] = None
    freed = unburst(way(takes))
    assert freed is not None
    assert [n for n, each in enumerate(freed.takes_us) if each is None] == [5, 300, 301, 302, 777]
    came = [(n, each) for n, each in enumerate(freed.takes_us) if each is not None]
    arrivals = [20_000 * n + each for n, each in came]
    assert arrivals == sorted(arrivals)
    assert all(each <= (takes[n] or 0) for n, each in came)


def test_a_burst_that_waited_longer_is_not_overtaken_by_the_next() -> None:
    takes = held_back()
    # One burst waits 40 ms more, so that the next comes with it.
    for n in (300, 301, 302):
        takes[n] = (takes[n] or 0) + 45_000
    for n, later in ((303, 20_000), (304, 20_000), (305, 20_000)):
        takes[n] = (takes[n] or 0) + later
    freed = unburst(way(takes))
    assert freed is not None
    arrivals = np.arange(COUNT) * 20_000 + np.array(freed.takes_us, float)
    assert (np.diff(arrivals) >= 0).all()


def test_floods_are_what_tcp_repaired_and_stay() -> None:
    takes = held_back()
    for first in (200, 500):
        # Nothing for 600 ms, then all of it.
        for n in range(first, first + 30):
            takes[n] = BASE_US + 20_000 * (first + 30 - n)
    freed = unburst(way(takes))
    assert freed is not None
    for first in (200, 500):
        assert freed.takes_us[first : first + 28] == tuple(takes[first : first + 28])
    assert (freed.takes_us[100] or 0) < BASE_US + 1000


def test_only_steady_directions_are_changed_and_that_is_kept() -> None:
    made = without_bursts(profile(way(held_back()), way(even())))
    assert made.without_bursts == ("to_callee",)
    assert made.to_callee.bursts.mean == pytest.approx(1.0)
    assert used_in_words(made, 18.0) == "whole, without its bursts"
    with pytest.raises(LabError, match="taken out already"):
        without_bursts(made)


def test_where_there_are_none_it_says_so() -> None:
    waits = GENERATOR.exponential(30_000, COUNT)
    late: list[int | None] = [BASE_US + int(us) for us in waits]
    with pytest.raises(LabError, match="nothing to take out"):
        without_bursts(profile(way(even()), way(late)))


@needs_field
def test_the_fields_calls_over_tor_are_steady_and_the_others_not() -> None:
    for call in find_calls(FIELD / "Sample-Raw-Data"):
        made = profile_of(call.caller, call.callee, Wanted())
        for name, end in (("to_callee", call.callee), ("to_caller", call.caller)):
            assert end.capture is not None
            heard = max(
                (one for one in streams(read_capture(end.capture)) if len(one) > 500),
                key=lambda one: int(STEADY in diagnose(one).kinds),
            )
            freed = unburst(getattr(made, name))
            assert (freed is not None) == (STEADY in diagnose(heard).kinds)
            assert (freed is not None) == (call.tor_status == "Tor")
