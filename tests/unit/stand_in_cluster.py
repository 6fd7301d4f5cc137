"""A cluster that is not there: dask's client and its workers as far as the lab uses them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from simulated_calls import simulated

from lab.cluster import tasks
from lab.cluster.alike import about_here
from lab.cluster.host import Host, LabProcess
from lab.cluster.travel import Run
from lab.errors import LabError
from lab.events import Began, Listener
from lab.measure.record import CallRecord
from lab.sweep.outbox import CallName, Outbox
from lab.sweep.plan import PlannedCall

WORKER = threading.local()
"""`of_thread`: the worker on whose thread a task runs, as `get_worker` is to find it."""


@dataclass(eq=False)
class StandInHost:
    """A host of simulated calls, with an outbox."""

    name: str
    directory: Path
    labs: int = 1
    about: dict[str, str] = field(default_factory=lambda: dict(about_here()))
    trouble: LabError | None = None
    """Why no call can be made there."""
    always_invalid: bool = False
    calibration_valid: bool = True
    gate: threading.Event | None = None
    """Calls end when it is set."""
    call_s: float = 0.0
    dies_with_its_calls: bool | None = None
    """Once it is killed: whether its labs' processes are, too, and so end no call."""
    made: list[PlannedCall] = field(default_factory=list)
    """Calls that were begun there."""
    finished: list[PlannedCall] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.outbox = Outbox(self.directory / self.name)
        self.host = Host(
            self.name, [f"{self.name}-{n}" for n in range(self.labs)], self.outbox, self._open_lab
        )

    @contextmanager
    def _open_lab(self, lab: str, run: Run) -> Iterator[LabProcess]:
        yield _Calls(self, lab, run)


@dataclass
class _Calls:
    at: StandInHost
    lab: str
    run: Run

    def versions(self, _tell: Listener) -> dict[str, str]:
        if self.at.trouble is not None:
            raise self.at.trouble
        return {"lab": "0"}

    def execute(self, planned: PlannedCall, tell: Listener) -> CallRecord:
        tell(Began("calling"))
        if self.at.gate is not None and not planned.calibrates:
            self.at.gate.wait(30)
        self.at.made.append(planned)
        record = simulated(planned, self.run.run_id)
        record.host = self.at.name
        record.call_id += f"-{self.at.name}"
        if planned.calibrates:
            record.run_id = record.point_id = record.point_call = None
            record.calibrates = self.run.run_id
            record.status, record.valid = "ok", self.at.calibration_valid
            record.call_id += f"-{len(self.at.made)}"
            return record
        time.sleep(self.at.call_s)
        if self.at.dies_with_its_calls:
            raise LabError("killed")
        if self.at.always_invalid and record.status == "ok":
            record.valid = False
        self.at.outbox.put(CallName.of(self.run.run_id, planned), record)
        self.at.finished.append(planned)
        return record


class StandInFuture:
    """What `submit` gives."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.status = "pending"
        self._answer: object = None
        self._ended = threading.Event()

    def end(self, status: str, answer: object = None) -> None:
        if self.status == "pending":
            self._answer, self.status = answer, status
            self._ended.set()

    def result(self) -> object:
        self._ended.wait()
        if self.status != "finished":
            raise RuntimeError(self.status)
        return self._answer


class StandInClient:
    """dask's `Client` of a scheduler with these hosts."""

    def __init__(self, *hosts: StandInHost) -> None:
        self.hosts = {f"tcp://{host.name}:1": host for host in hosts}
        self.status = "running"
        self.keys: list[tuple[Any, ...]] = []
        self.deaf = False
        """Whether outcomes of calls are lost on their way, but for calibrations."""
        self.most_held = 0
        """Calls per lab that were with the scheduler at once."""
        self._held: dict[str, set[StandInFuture]] = {}

    def subscribe_topic(self, _topic: str, _handler: Any) -> None:
        """Nothing is told."""

    @property
    def scheduler(self) -> StandInClient:
        """It stands for both."""
        return self

    def sync(self, asked: Callable[..., Any], **words: object) -> Any:
        return asked(**words)

    def identity(self, n_workers: int) -> dict[str, Any]:
        assert n_workers == -1
        found = {
            address: {"name": host.name, "resources": {tasks.RESOURCE: host.labs}}
            for address, host in self.hosts.items()
        }
        return {"workers": {**found, "tcp://somebody:1": {"name": "other", "resources": {}}}}

    def submit(
        self,
        task: Callable[..., Any],
        *words: Any,
        key: tuple[Any, ...],
        workers: Sequence[str],
        pure: bool,
        resources: dict[str, int] | None = None,
    ) -> StandInFuture:
        assert (resources == {tasks.RESOURCE: 1}) == (task is tasks.make)
        assert key not in self.keys and not pure
        [address] = workers
        self.keys.append(key)
        future = StandInFuture(address)
        if address not in self.hosts:
            return future
        host, held = self.hosts[address], self._held.setdefault(address, set())
        if task is tasks.make:
            held.add(future)
            self.most_held = max(self.most_held, -(-len(held) // host.labs))

        def work() -> None:
            WORKER.of_thread = SimpleNamespace(**{tasks.HOST: host.host}, log_event=lambda *_: None)
            answer = task(*words)
            held.discard(future)
            if host.dies_with_its_calls is not None:
                return
            if self.deaf and task is tasks.make and not words[0].planned.calibrates:
                return
            future.end("finished", answer | host.about if task is tasks.about else answer)

        threading.Thread(target=work, daemon=True).start()
        return future

    def cancel(self, futures: Sequence[StandInFuture], force: bool) -> None:
        assert force
        for future in futures:
            future.end("cancelled")

    def lose(self, name: str) -> None:
        """A host dies."""
        self.hosts = {a: host for a, host in self.hosts.items() if host.name != name}
