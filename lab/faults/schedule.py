"""The faults of one call, each by its own clock, from the moment at which the voice begins."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from threading import Event, Thread

from lab.calls.observe.observer import Begins
from lab.errors import LabError
from lab.events import Listener
from lab.faults.check import check_faults
from lab.faults.fault import Fault
from lab.faults.kind import Injection
from lab.faults.kinds import FAULT_KINDS
from lab.faults.told import began, ended
from lab.lifecycle.ready import ReadyLab
from lab.measure.call.notes import CallNotes
from lab.measure.call.watches import FaultWatch


class Schedule:
    """Faults that are at hand, and begin when a call's voice does."""

    def __init__(self, asked: Sequence[tuple[Fault, Injection]], tell: Listener) -> None:
        self._asked = asked
        self._tell = tell

    @contextmanager
    def observe(self, notes: CallNotes) -> Iterator[Begins]:
        """Have each at its time while the block runs; what came of them is in the notes after it.

        An `Observer`: what is yielded is to be told when the voice begins. Whatever is in force
        when the block ends, ends with it.
        """
        over = Event()
        clocks = [
            _Clock(fault, injection, notes.call_id, over, self._tell)
            for fault, injection in self._asked
        ]

        def begin(at: float) -> None:
            for clock in clocks:
                clock.start(at)

        try:
            yield begin
        finally:
            over.set()
            for clock in clocks:
                clock.join()
            notes.faults = (*notes.faults, *(clock.watch for clock in clocks))


class _Clock:
    """One fault and its time, on a thread of its own."""

    def __init__(
        self, fault: Fault, injection: Injection, call_id: str, over: Event, tell: Listener
    ) -> None:
        self._fault = fault
        self._injection = injection
        self._call_id = call_id
        self._over = over
        self._tell = tell
        self._thread: Thread | None = None
        self.watch = FaultWatch(
            kind=fault.kind,
            past=FAULT_KINDS.named(fault.kind).past,
            node=fault.node,
            network=fault.network,
            loss_pct=fault.loss_pct,
            asked_at_s=fault.at_s or 0.0,
            asked_for_s=fault.for_s,
        )

    def start(self, voice_began_at: float) -> None:
        due = voice_began_at + (self._fault.at_s or 0.0)
        self._thread = Thread(target=self._run, args=(due,), daemon=True)
        self._thread.start()

    def join(self) -> None:
        if self._thread is not None:
            self._thread.join()

    def _run(self, due: float) -> None:
        if self._over.wait(max(0.0, due - time.time())):
            return
        try:
            self._have()
        except LabError as error:
            self.watch = replace(self.watch, failure=error.message)

    def _have(self) -> None:
        fault = self._fault
        began_at = self._injection.begin(self._call_id)
        self.watch = replace(self.watch, began_at=began_at)
        self._tell(began(fault))
        try:
            self._over.wait(
                None if fault.for_s is None else max(0.0, began_at + fault.for_s - time.time())
            )
        finally:
            end = self._injection.end()
        self.watch = replace(self.watch, ended_at=end.at, lost=end.lost)
        self._tell(ended(fault, end.at - began_at, end.lost))


@contextmanager
def scheduled(lab: ReadyLab, faults: Sequence[Fault], tell: Listener) -> Iterator[Schedule]:
    """Have all at hand that these faults of a call take, while the block runs.

    UsageError where there is nothing of that name in the lab; LabError where a fault cannot be had.
    """
    check_faults(lab.topology, faults)
    with ExitStack() as stack:
        asked = []
        for fault in faults:
            inject = FAULT_KINDS.named(fault.kind).inject.load()
            asked.append((fault, stack.enter_context(inject(lab, fault, tell))))
        yield Schedule(asked, tell)
