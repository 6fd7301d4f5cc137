"""A host of a cluster: makes calls in labs of its own, and keeps them until they are stored."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from threading import Condition
from typing import Protocol

from lab.cluster.travel import Delivery, Order, Run, forget_files, packed
from lab.errors import LabError
from lab.events import Listener
from lab.sweep.executor import Executor
from lab.sweep.outbox import CallName, Outbox


class LabProcess(Executor, Protocol):
    """Calls in a lab of its own."""

    def versions(self, tell: Listener) -> dict[str, str]:
        """What the lab consists of, once it is up; LabError where it cannot be brought up."""
        ...


OpenLab = Callable[[str, Run], AbstractContextManager[LabProcess]]
"""A lab's name and a run → who calls in that lab; it is taken down, whatever it does, when the
block ends."""


@dataclass(slots=True)
class _Slot:
    """A lab of the host; it stays up between the calls of one run."""

    lab: str
    free: bool = True
    run_id: str | None = None
    executor: LabProcess | None = None
    versions: dict[str, str] = field(default_factory=dict)
    up: ExitStack = field(default_factory=ExitStack)

    def close(self) -> None:
        """Take the lab down, and whatever goes on in it."""
        self.executor = self.run_id = None
        up, self.up = self.up, ExitStack()
        up.close()


class Host:
    """What a worker of the cluster does, on as many threads as it has labs."""

    def __init__(self, name: str, labs: Sequence[str], outbox: Outbox, open_lab: OpenLab) -> None:
        """`name` is what records call the host; `open_lab` keeps finished calls in `outbox`."""
        self.name = name
        self._outbox = outbox
        self._open_lab = open_lab
        self._slots = [_Slot(lab) for lab in labs]
        self._under_way: set[CallName] = set()
        self._changed = Condition()

    def make(self, order: Order, tell: Listener) -> Delivery:
        """Make a call, or deliver it where it is finished already."""
        try:
            with self._alone_at(order.name):
                if not order.planned.calibrates:
                    record = self._outbox.get(order.name)
                    if record is not None:
                        return packed(record, order.run, self.name, None)
                with self._slot(order.run, tell) as slot:
                    assert slot.executor is not None
                    record = slot.executor.execute(order.planned, tell)
                    return packed(record, order.run, self.name, slot.versions)
        except LabError as error:
            return Delivery(None, trouble=(error.message, error.hint))

    def finished(self, run_id: str) -> list[CallName]:
        """Calls of a run that nobody has stored yet, as far as this host knows."""
        return list(self._outbox.names(run_id))

    def under_way(self, run_id: str) -> list[CallName]:
        """Calls of a run that are being made now."""
        with self._changed:
            return [name for name in self._under_way if name.run_id == run_id]

    def deliver(self, name: CallName, run: Run) -> Delivery | None:
        """A finished call; None where it is not here."""
        record = self._outbox.get(name)
        return None if record is None else packed(record, run, self.name, None)

    def forget(self, name: CallName, run: Run) -> None:
        """Keep a call no more: it is stored."""
        record = self._outbox.get(name)
        if record is not None:
            self._outbox.forget(name)
            forget_files(record, run)

    def end_run(self, run_id: str) -> None:
        """Take the labs of a run down, and interrupt its calls."""
        for slot in self._slots:
            if slot.run_id == run_id:
                slot.close()

    def close(self) -> None:
        """Take all labs down."""
        for slot in self._slots:
            slot.close()

    @contextmanager
    def _alone_at(self, name: CallName) -> Iterator[None]:
        """Wait until a call of this name that somebody else has asked for has ended."""
        with self._changed:
            self._changed.wait_for(lambda: name not in self._under_way)
            self._under_way.add(name)
        try:
            yield
        finally:
            with self._changed:
                self._under_way.discard(name)
                self._changed.notify_all()

    @contextmanager
    def _slot(self, run: Run, tell: Listener) -> Iterator[_Slot]:
        with self._changed:
            self._changed.wait_for(lambda: any(slot.free for slot in self._slots))
            # One that is up for this run, else one that is down.
            slot = min(
                (slot for slot in self._slots if slot.free),
                key=lambda slot: (slot.run_id != run.run_id, slot.run_id is not None),
            )
            slot.free = False
        try:
            if slot.run_id != run.run_id:
                slot.close()
                slot.run_id = run.run_id
                # Whoever closes the slot meanwhile ends it, too.
                slot.executor = slot.up.enter_context(self._open_lab(slot.lab, run))
                slot.versions = slot.executor.versions(tell)
            yield slot
        except LabError:
            slot.close()
            raise
        finally:
            with self._changed:
                slot.free = True
                self._changed.notify_all()
