"""What only one run of an experiment may do at a time, beside calling in a lab."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from lab import storage
from lab.engine.lock import alone, until_taken
from lab.engine.names import Holder, holder_of, open_name
from lab.events import Listener


@contextmanager
def only_hand_on(run_id: str) -> Iterator[None]:
    """Hold a run; LabError where another command is going on with it."""
    with alone(_name(run_id), f"run {run_id} is under way", "Wait until it has ended."):
        yield


def hand_on(run_id: str) -> Holder | None:
    """Who goes on with a run; None where nobody does."""
    return holder_of(_name(run_id))


def _name(run_id: str) -> str:
    # Others may have a run of the same name in another store.
    return f"run/{storage.results_directory().resolve()}/{run_id}"


@contextmanager
def bringing_up(tell: Listener) -> Iterator[None]:
    """Wait until no other lab of a run is being brought up.

    Labs that start at once would crowd the processors just when Tor votes by the clock.
    """
    with open_name() as taker:
        for _ in until_taken(taker, "bringing up", tell):
            pass
        yield
