"""The call that is under way in a lab, as far as the command that makes it tells."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, replace

from lab.events import CallBegan, CircuitOpened
from lab.events.at_work import under_way
from lab.events.following import Follower
from lab.events.journal import lab_journal
from lab.events.told import Told


@dataclass(frozen=True, slots=True)
class RunningCall:
    """A call that goes on."""

    call_id: str
    method: str
    circuits: Mapping[str, tuple[str, ...]]
    """End → the relays of its circuit, guard first, of the circuits that are open; of two that Tor
    has linked, one."""


def call_under_way(lab: str) -> RunningCall | None:
    """The call that is being made in the lab of that name; None where none is."""
    with closing(Follower(lab_journal(lab))) as journal:
        return latest_call(under_way(journal.new()))


def latest_call(history: Iterable[Told]) -> RunningCall | None:
    """The last call that began in what is under way, with its circuits."""
    call: RunningCall | None = None
    caller_pid: int | None = None
    for told in history:
        match told.what:
            case CallBegan(call_id, method):
                call, caller_pid = RunningCall(call_id, method, {}), told.pid
            case CircuitOpened(relays, end) if call and told.pid == caller_pid:
                call = replace(call, circuits={**call.circuits, end: relays})
    return call
