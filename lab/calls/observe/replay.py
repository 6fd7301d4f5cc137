"""A profile during a call: it begins when the ends do, and is kept with the call."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from lab.calls.observe.observer import Observer
from lab.calls.workspace import workspace_of
from lab.lifecycle.ready import ReadyLab
from lab.measure.call.notes import CallNotes
from lab.measure.call.replay import FILE
from lab.measure.profile import Profile
from lab.measure.profile_file import write_profile


def replay_observer(lab: ReadyLab, profile: Profile, begin: Callable[[], None]) -> Observer:
    """Begins the profile as the call begins, and leaves it in the call's directory."""

    @contextmanager
    def replaying(notes: CallNotes) -> Iterator[None]:
        write_profile(profile, workspace_of(lab, notes.call_id).host / FILE)
        begin()
        yield

    def observe(notes: CallNotes) -> AbstractContextManager[None]:
        return replaying(notes)

    return observe
