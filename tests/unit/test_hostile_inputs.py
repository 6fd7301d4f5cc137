"""Damaged and senseless inputs are read, or refused with one sentence, and soon.

The cases were found by tests/bench/fuzz_readers.py; beside them each seed is changed a few times,
always in the same way.
"""

from __future__ import annotations

import random
import signal
from collections.abc import Iterator
from types import FrameType

import pytest
from hostile_changes import changed
from hostile_readers import READERS, was_read
from hostile_seeds import cases, seeds

LIMIT_S = 20.0
"""CPU time of one test: all of them together take half of it."""
CHANGES = {"topology": 20, "experiment": 20, "capture": 200, "recording": 20}
"""Changed inputs of a kind: of captures one in twenty is refused, for what is wrong in its head."""

CASES = [(kind, name) for kind in READERS for name in cases(kind)]


@pytest.fixture(autouse=True)
def no_hang() -> Iterator[None]:
    def give_up(_signal: int, _frame: FrameType | None) -> None:
        raise AssertionError(f"no end after {LIMIT_S:.0f} s of CPU time")

    before = signal.signal(signal.SIGPROF, give_up)
    signal.setitimer(signal.ITIMER_PROF, LIMIT_S)
    yield
    signal.setitimer(signal.ITIMER_PROF, 0)
    signal.signal(signal.SIGPROF, before)


@pytest.mark.parametrize(("kind", "name"), CASES)
def test_what_a_fuzzer_once_found(kind: str, name: str) -> None:
    was_read(kind, cases(kind)[name])


@pytest.mark.parametrize("kind", READERS)
def test_inputs_changed_at_random(kind: str) -> None:
    chance = random.Random(4)
    right = sorted(seeds(kind), key=len)[:4]
    inputs = (changed(kind, chance.choice(right), chance) for _ in range(CHANGES[kind]))
    outcomes = {was_read(kind, content) for content in inputs}
    assert outcomes == {True, False}, "the changes are neither too harmless nor too wild"
