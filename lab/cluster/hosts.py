"""Hosts as whoever runs an experiment sees them: what they do, and whether they do it well."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from lab.measure.record import CallRecord
from lab.sweep.outbox import CallName
from lab.sweep.plan import PlannedCall
from lab.verdict import FAILED, VALID

INVALID_IN_A_ROW = 4
"""As many invalid calls, while others make valid ones, tell that it is the host."""
RETURN_S = 30.0
"""Within which a host that is gone may come back with what it has finished, before its calls are
made elsewhere."""
CALIBRATIONS = 2
"""Calls that a host may make to show that calls there are valid."""


@dataclass(slots=True)
class HostView:
    """One worker of the cluster."""

    address: str
    """As dask knows it."""
    name: str
    """The worker's; also in what is said of it."""
    host: str
    """What records call it."""
    labs: int
    busy: int = 0
    """Calls that were begun here and have not ended."""
    under_way: set[CallName] = field(default_factory=set)
    """Calls that somebody who was killed had begun here."""
    calibrated: bool = False
    calibrations: int = 0
    aside: str | None = None
    """Why it makes no more calls of the run."""
    recent: deque[bool] = field(default_factory=lambda: deque(maxlen=INVALID_IN_A_ROW))
    """Whether its last calls were valid; failed ones say nothing of a host."""

    @property
    def usable(self) -> bool:
        """Whether it may make calls of the run."""
        return self.calibrated and self.aside is None

    @property
    def free(self) -> int:
        """Calls that can be begun here."""
        return self.labs - self.busy if self.usable else 0

    def enter(self, record: CallRecord) -> None:
        """A call has ended here."""
        if record.verdict != FAILED:
            self.recent.append(record.verdict == VALID)


class Missing:
    """Calls that were under way at hosts that are gone, and may be finished there."""

    def __init__(self) -> None:
        self.calls: dict[PlannedCall, tuple[str, float]] = {}
        """With the worker's name, the same when it returns, and when they are given up."""

    def add(self, host: HostView, calls: Iterable[PlannedCall]) -> None:
        """A host is gone."""
        self.calls |= {planned: (host.name, time.monotonic() + RETURN_S) for planned in calls}

    def brought(self, calls: Iterable[PlannedCall]) -> None:
        """They have been fetched."""
        for planned in calls:
            self.calls.pop(planned, None)

    def given_up(self, returned: str | None = None) -> list[PlannedCall]:
        """Those to be made elsewhere: their host did not return in time, or without them."""
        now = time.monotonic()
        lost = [p for p, (host, at) in self.calls.items() if host == returned or at < now]
        self.brought(lost)
        return lost


def doubt(host: HostView, others: Iterable[HostView]) -> str | None:
    """Why a host is not to be trusted any more; None where nothing speaks against it.

    Where others make no valid calls either, it is not the host.
    """
    if len(host.recent) < INVALID_IN_A_ROW or any(host.recent):
        return None
    if not any(any(other.recent) for other in others if other is not host and other.usable):
        return None
    return f"its last {INVALID_IN_A_ROW} calls were invalid, while those of other hosts were valid"
