"""The shared link during a call: its cap, what it carried, how long its queue was."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

from lab.calls.observe.observer import Observer
from lab.measure.call.notes import CallNotes
from lab.measure.call.watches import LinkWatch
from lab.shaping.cap import LinkPoint
from lab.shaping.helpers import LinkHelpers
from lab.shaping.sampling import sampled


def link_observer(helpers: LinkHelpers, points: Sequence[LinkPoint]) -> Observer:
    """Watches `points` during a call; the slowest of them is the call's shared link."""

    def observe(notes: CallNotes) -> AbstractContextManager[None]:
        return _observing(helpers, points, notes)

    return observe


@contextmanager
def _observing(
    helpers: LinkHelpers, points: Sequence[LinkPoint], notes: CallNotes
) -> Iterator[None]:
    watches: list[LinkWatch] = []
    try:
        with sampled(helpers, points) as watches:
            yield
    finally:
        # Of a call that fails, too, this was measured.
        notes.links = tuple(watches)
