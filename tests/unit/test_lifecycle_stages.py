"""Stages of `lab up` may overlap: the total is the time that passed, not their sum."""

from __future__ import annotations

import time

import pytest

from lab.events import Began, Ended, Happening
from lab.lifecycle.stages import Stages


def test_stages_that_overlap_do_not_count_twice() -> None:
    stages = Stages(zero=100.0)
    stages.note("relays", 100.0, 103.0)
    stages.note("other nodes", 101.0, 105.0)
    stages.note("Tor", 103.0, 104.0)
    assert [(s.name, s.began_s, s.ended_s) for s in stages.done] == [
        ("relays", 0.0, 3.0),
        ("other nodes", 1.0, 5.0),
        ("Tor", 3.0, 4.0),
    ]
    assert stages.total_s == 5.0


def test_nothing_took_no_time() -> None:
    assert Stages().total_s == 0.0


def test_a_stage_is_told_before_and_timed_after_even_if_it_fails() -> None:
    said: list[Happening] = []
    stages = Stages(said.append)
    with pytest.raises(ValueError, match="broken"), stages.stage("trying"):
        assert said == [Began("trying")]
        time.sleep(0.01)
        raise ValueError("broken")
    assert stages.done[0].name == "trying"
    assert stages.done[0].seconds >= 0.01
    assert said[1:] == [Ended("trying", stages.done[0].seconds, succeeded=False)]
