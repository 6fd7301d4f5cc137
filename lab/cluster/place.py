"""Hosts of a cluster as the place of a run's calls.

dask carries calls to hosts and their outcomes back, and no more: which call is next, and on
which host, is decided here, where the store is; as many calls are out as there are labs, so that
none waits at the scheduler.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from queue import Empty, Queue
from typing import Any

from distributed import Client

from lab.cluster import tasks
from lab.cluster.alike import about_here, difference
from lab.cluster.hosts import CALIBRATIONS, HostView, Missing, doubt
from lab.cluster.post import Letter, Post, delivered
from lab.cluster.travel import Delivery, Order, Run, unpacked
from lab.errors import LabError
from lab.events import Happening, Listener, Noted, silent
from lab.measure.record import CallRecord
from lab.sweep.outbox import CallName
from lab.sweep.place import Outcome
from lab.sweep.plan import Plan, PlannedCall
from lab.verdict import VALID

POLL_S = 0.5
LOOK_EVERY_S = 1.0
PATIENCE_S = 120.0
"""Within which a host must be there, where none is."""
CALIBRATING = "calibration"
"""What dask's dashboard calls such calls; others have the names of their points."""


class ClusterPlace:
    """A `Place`; to be used by one thread."""

    def __init__(
        self,
        client: Client,
        run: Run,
        plan: Plan,
        calibration: PlannedCall,
        calibrated: set[str],
        keep: Callable[[CallRecord], object],
        tell: Listener,
        check: Callable[[], None],
    ) -> None:
        """`calibrated` are hosts that have been; `keep` stores calibration calls.

        `check` raises LabError where no host can come any more.
        """
        self.versions: dict[str, str] = {}
        """What the lab of the first call consists of; empty until that is known."""
        self._run, self._tell, self._keep = run, tell, keep
        self._calibration, self._calibrated = calibration, calibrated
        self._planned = {(p.point.point_id, p.number): p for p in plan.order}
        self._hosts: dict[str, HostView] = {}
        self._refused: dict[str, str] = {}
        self._begun: dict[Letter, tuple[PlannedCall, HostView]] = {}
        self._tellers: dict[CallName, Listener] = {}
        self._ended: Queue[Letter] = Queue()
        self._missing = Missing()
        self._check = check
        self._early: list[Outcome] = []
        self._looked_at = 0.0
        self._alone_since = time.monotonic()
        self._trouble: LabError | None = None
        self._post = Post(client, run, self._told)

    @property
    def has_room(self) -> bool:
        """Whether a host has a lab without a call; what has ended before is to be heard first."""
        return not self._early and self._has_host

    @property
    def busy(self) -> bool:
        """Whether a call is out that was begun here, and not yet given up."""
        begun = any(not planned.calibrates for planned, _ in self._begun.values())
        return begun or bool(self._missing.calls or self._early)

    def begin(self, planned: PlannedCall, tell: Listener) -> None:
        """Have a call made where it is under way already, or by the host with most labs idle."""
        name = Order(self._run, planned).name
        able = [host for host in self._hosts.values() if host.free > 0 or name in host.under_way]
        host = max(able, key=lambda host: (name in host.under_way, host.free))
        host.under_way.discard(name)
        self._tellers[name] = tell
        self._submit(planned, host)

    def await_host(self) -> None:
        """Wait until a host can make calls; LabError where none can."""
        while not self._has_host:
            self._early += self._step()

    @property
    def _has_host(self) -> bool:
        return any(host.free > 0 for host in self._hosts.values())

    def ended(self) -> Sequence[Outcome]:
        """What has ended within a moment; LabError where no host is there for long."""
        early, self._early = self._early, []
        return early or self._step()

    def _step(self) -> list[Outcome]:
        outcomes = self._look_at_hosts()
        try:
            ended = [self._ended.get(timeout=0.01 if outcomes else POLL_S)]
        except Empty:
            ended = []
        while not self._ended.empty():
            ended.append(self._ended.get())
        for letter in ended:
            if letter in self._begun:
                outcomes += self._outcome(letter, *self._begun.pop(letter))
        self._be_patient()
        return outcomes

    def close(self) -> None:
        """Give up what is under way, and have hosts take their labs down."""
        self._post.take_back(self._begun)
        self._begun.clear()
        for address in self._hosts:
            self._post.tell(address, tasks.end_run, self._run.run_id)
        self._post.close()

    def _submit(self, planned: PlannedCall, host: HostView) -> None:
        # dask groups tasks by what stands before the first hyphen.
        shown = planned.point.point_id.replace("-", "_")
        letter = self._post.send(
            host.address,
            tasks.make,
            Order(self._run, planned),
            shown=CALIBRATING if planned.calibrates else shown,
            takes_lab=True,
        )
        host.busy += 1
        self._begun[letter] = planned, host
        letter.answer.add_done_callback(lambda _: self._ended.put(letter))

    def _outcome(self, letter: Letter, planned: PlannedCall, host: HostView) -> list[Outcome]:
        host.busy -= 1
        delivery = delivered(letter)
        if delivery is None or delivery.record is None:
            if delivery is not None:
                what, to_do = delivery.trouble
                self._set_aside(host, what)
                self._trouble = LabError(f"{host.name}: {what}", to_do)
            return [] if planned.calibrates else [Outcome(planned, None)]
        self.versions = self.versions or delivery.versions or {}
        record = unpacked(delivery)
        if planned.calibrates:
            self._enter_calibration(record, host)
            return []
        host.enter(record)
        others = [other for other in self._hosts.values() if other is not host]
        if host.aside is None and (why := doubt(host, others)):
            self._set_aside(host, why)
        return [self._stored(planned, record, host)]

    def _stored(self, planned: PlannedCall, record: CallRecord, host: HostView) -> Outcome:
        name = Order(self._run, planned).name

        def stored() -> None:
            self._tellers.pop(name, None)
            self._post.tell(host.address, tasks.forget, name, self._run)

        return Outcome(planned, record, stored)

    def _enter_calibration(self, record: CallRecord, host: HostView) -> None:
        self._keep(record)
        self._tell(Noted(f"{host.name}: its calibration call is {record.in_words}"))
        host.calibrations += 1
        if record.verdict != VALID and host.calibrations < CALIBRATIONS:
            self._submit(self._calibration, host)
            return
        host.calibrated = True
        if record.verdict != VALID:
            if any(other.usable for other in self._hosts.values() if other is not host):
                self._set_aside(host, "its calibration calls were not valid")
            else:
                self._tell(Noted(f"{host.name}: goes on, as no other host is there"))

    def _set_aside(self, host: HostView, why: str) -> None:
        host.aside = why
        self._tell(Noted(f"{host.name} is set aside for this run: {why}"))

    def _look_at_hosts(self) -> list[Outcome]:
        """Welcome hosts that have come, with what they have finished; miss those that are gone."""
        if time.monotonic() - self._looked_at < LOOK_EVERY_S:
            return []
        workers = self._post.workers()
        outcomes = [Outcome(planned, None) for planned in self._missing.given_up()]
        for address in self._hosts.keys() - workers.keys():
            self._miss(self._hosts.pop(address))
        for address, worker in workers.items():
            if address not in self._hosts and address not in self._refused:
                outcomes += self._welcome(address, worker)
        self._looked_at = time.monotonic()
        return outcomes

    def _miss(self, host: HostView) -> None:
        gone = {letter: planned for letter, (planned, at) in self._begun.items() if at is host}
        self._post.take_back(gone)
        for letter in gone:
            del self._begun[letter]
        calls = [planned for planned in gone.values() if not planned.calibrates]
        self._missing.add(host, calls)
        self._tell(Noted(f"{host.name} is gone; {len(calls)} calls were under way there"))

    def _welcome(self, address: str, worker: Mapping[str, Any]) -> list[Outcome]:
        name, labs = str(worker["name"]), int(worker["resources"][tasks.RESOURCE])
        about = self._post.ask(address, tasks.about)
        if not isinstance(about, Mapping):
            return []
        if differs := difference(about, about_here()):
            self._refused[address] = f"{name} {differs}"
            self._tell(Noted(f"{name} is not used: it {differs}"))
            return []
        host = HostView(address, name, about["host"], labs)
        waiting = self._post.ask(address, tasks.waiting, self._run.run_id)
        if waiting is None:
            return []
        self._hosts[address] = host
        self._tell(Noted(f"{name} makes calls in {labs} lab{'s' if labs > 1 else ''}"))
        finished, host.under_way = waiting[0], set(waiting[1])
        if host.host in self._calibrated:
            host.calibrated = True
        else:
            self._submit(self._calibration, host)
        fetched = [outcome for each in finished for outcome in self._fetched(each, host)]
        self._missing.brought([outcome.planned for outcome in fetched])
        return fetched + [Outcome(planned, None) for planned in self._missing.given_up(name)]

    def _fetched(self, name: CallName, host: HostView) -> list[Outcome]:
        """A call that was finished for somebody who was killed."""
        planned = self._planned.get((name.point_id, name.number))
        delivery = self._post.ask(host.address, tasks.deliver, name, self._run)
        if planned is None or not isinstance(delivery, Delivery):
            return []
        return [self._stored(planned, unpacked(delivery), host)]

    def _be_patient(self) -> None:
        """LabError where there has been no host to make a call for long, or never will be."""
        if any(host.aside is None for host in self._hosts.values()):
            self._alone_since = time.monotonic()
            return
        if self._hosts and self._trouble:
            raise self._trouble
        self._check()
        if time.monotonic() - self._alone_since > PATIENCE_S or (self._refused and not self._hosts):
            why = "; ".join(self._refused.values())
            raise LabError(
                f"no host can make calls: {why}" if why else "no host is there to make calls",
                "Start one with `lab worker`, of the same checkout, then `lab experiment resume`.",
            )

    def _told(self, said: tuple[CallName, Happening]) -> None:
        name, happening = said
        self._tellers.get(name, silent)(happening)
