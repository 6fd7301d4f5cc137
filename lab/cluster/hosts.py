"""Hosts as whoever runs an experiment sees them: what they do, and whether they do it well."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from lab.measure.record import CallRecord
from lab.sweep.outbox import CallName

INVALID_IN_A_ROW = 4
"""As many invalid calls, while others make valid ones, tell that it is the host."""
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
        if record.status == "ok":
            self.recent.append(record.valid)


def doubt(host: HostView, others: Iterable[HostView]) -> str | None:
    """Why a host is not to be trusted any more; None where nothing speaks against it.

    Where others make no valid calls either, it is not the host.
    """
    if len(host.recent) < INVALID_IN_A_ROW or any(host.recent):
        return None
    if not any(any(other.recent) for other in others if other is not host and other.usable):
        return None
    return f"its last {INVALID_IN_A_ROW} calls were invalid, while those of other hosts were valid"


def in_words(record: CallRecord) -> str:
    """What a calibration call came to."""
    if record.status != "ok":
        return f"failed: {record.reason}"
    return "valid" if record.valid else f"invalid: {'; '.join(record.invalid_reasons)}"
