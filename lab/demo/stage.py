"""The stage of a demonstration: a lab to itself, whose calls are made as `lab call` makes them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from docker import DockerClient

from lab.calls.call import make_call
from lab.calls.measuring import Measurer
from lab.calls.observe.observer import Observer
from lab.demo.demonstration import NotShownError
from lab.demo.person import Person
from lab.events import Listener, both
from lab.events.journal import in_lab
from lab.interruption import undisturbed
from lab.lifecycle.ready import ReadyLab
from lab.measure.record import CallRecord
from lab.store.database import Store
from lab.sweep.asked import call_plan
from lab.sweep.conditions import conditions
from lab.sweep.point import Point
from lab.verdict import FAILED, INVALID

VERB = "demo"
"""By which the journal of a lab knows who is at work."""
TRIES = 3
"""A call that is not valid proves nothing, and a busy host may spoil some."""
CALL_S = 10
"""How long calls last: the clip's first two sentences."""


class Stage:
    """What a demonstration is given with, while nobody else calls in its lab."""

    def __init__(
        self,
        client: DockerClient,
        lab: ReadyLab,
        person: Person,
        store: Store,
        measurer: Measurer,
        seed: int,
        calls: list[CallRecord],
    ) -> None:
        """`calls` is where every call goes that is made, also one that is not valid."""
        self.client = client
        self.lab = lab
        self.person = person
        self.seed = seed
        self.calls = calls
        self._store = store
        self._measurer = measurer

    def elsewhere(self, lab: ReadyLab) -> Stage:
        """The same in another lab, in which it is this process's turn as well."""
        return Stage(
            self.client, lab, self.person, self._store, self._measurer, self.seed, self.calls
        )

    def call(
        self,
        what: str,
        method: str,
        *,
        seed: int | None = None,
        observers: Sequence[Observer] = (),
        **values: Any,
    ) -> CallRecord:
        """A valid call at the point that has these coordinates; it is stored like any other.

        `what` says which of the demonstration's calls it is; `seed` is the demonstration's where
        it is not given. NotShownError where the call fails, or where none of `TRIES` is valid.
        """
        record = self.attempt(what, method, seed=seed, observers=observers, **values)
        if record.verdict == FAILED:
            raise NotShownError(f"{what} failed: {record.why}")
        if record.verdict == INVALID:
            raise NotShownError(f"none of {TRIES} tries of {what} was valid: {record.why}")
        return record

    def attempt(
        self,
        what: str,
        method: str,
        *,
        seed: int | None = None,
        observers: Sequence[Observer] = (),
        **values: Any,
    ) -> CallRecord:
        """The same, but a call that fails, or is not valid, is handed over as well."""
        point = Point(method, **{"duration_s": CALL_S, **values}).normalised()
        for left in reversed(range(TRIES)):
            record = self._once(what, point, self.seed if seed is None else seed, observers)
            if record.verdict != INVALID:
                break
            self.person.tell(f"Invalid: {record.why}.{' Once more.' if left else ''}")
        return record

    @contextmanager
    def busy(self, what: str) -> Iterator[Listener]:
        """The person waits for `what`; the journal of the lab is told how it goes, too."""
        with self.person.busy(what) as tell:
            yield both(tell, in_lab(self.lab.running.name, VERB))

    def _once(
        self, what: str, point: Point, seed: int, observers: Sequence[Observer]
    ) -> CallRecord:
        record: CallRecord | None = None
        try:
            with (
                self.busy(what) as tell,
                conditions(self.lab, point, seed, tell) as around,
            ):
                plan = call_plan(point, seed=seed)
                record = make_call(self.lab, plan, tell, (*around, *observers), self._measurer)
        finally:
            # Also where putting back what surrounded the call is interrupted.
            if record is not None:
                with undisturbed():
                    self._store.add_call(record)
                self.calls.append(record)
        return record
