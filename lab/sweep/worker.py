"""Labs side by side: each in a process of its own, which one end of a pipe stands for."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from threading import Lock
from typing import Any

from lab.engine.client import connect
from lab.engine.lock import only_run_in
from lab.errors import LabError
from lab.events import Happening, Listener
from lab.interruption import heeding_signals, undisturbed
from lab.measure.record import CallRecord
from lab.sweep.lab_executor import LabExecutor
from lab.sweep.outbox import CallName, Outbox
from lab.sweep.plan import PlannedCall
from lab.sweep.point import Point

END_DEADLINE_S = 90.0
"""Within which an interrupted worker takes its lab down."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """What a worker is told when it starts."""

    lab: str
    run_id: str
    topology: str
    """YAML."""
    first: Point
    """The lab is brought up for this point."""
    host: str | None = None
    """What records call the host; None: its own name."""
    outbox: Path | None = None
    """Where finished calls are kept before they are handed over; None: nowhere."""


@dataclass(frozen=True, slots=True)
class Worker:
    """An `Executor` that lets another process make its calls."""

    lab: str
    process: BaseProcess
    connection: Connection

    def execute(self, planned: PlannedCall, tell: Listener) -> CallRecord:
        """Have one call made; see `Executor`."""
        self._tell(planned)
        record = self._answer(tell)
        assert isinstance(record, CallRecord)
        return record

    def versions(self, tell: Listener) -> dict[str, str]:
        """What its lab consists of, once that is up; LabError where it cannot be brought up."""
        answer = self._answer(tell)
        assert isinstance(answer, dict)
        return answer

    def _tell(self, planned: PlannedCall) -> None:
        try:
            self.connection.send(planned)
        except OSError:
            raise self._gone() from None

    def _answer(self, tell: Listener) -> Any:
        while True:
            try:
                kind, value = self.connection.recv()
            except (EOFError, OSError):
                raise self._gone() from None
            if kind == "says":
                tell(value)
            elif kind == "error":
                raise LabError(*value)
            else:
                return value

    def _gone(self) -> LabError:
        return LabError(f"the process that called in lab {self.lab} has ended unexpectedly")


@contextmanager
def workers(assignments: list[Assignment]) -> Iterator[list[Worker]]:
    """Start one process per lab; when the block ends, each takes its lab down and ends."""
    # A forked child would hold this process's locks and its connection to the database.
    context = multiprocessing.get_context("spawn")
    with ExitStack() as stack:
        started = []
        for assignment in assignments:
            ours, theirs = context.Pipe()
            process = context.Process(target=_work, args=(theirs, assignment))
            process.start()
            theirs.close()
            stack.callback(_end, process, ours)
            started.append(Worker(assignment.lab, process, ours))
        yield started


def _end(process: BaseProcess, connection: Connection) -> None:
    """Interrupt what a worker is doing, and hang up; it clears up after itself."""
    if process.is_alive() and process.pid is not None:
        os.kill(process.pid, signal.SIGINT)
    connection.close()
    process.join(END_DEADLINE_S)
    process.kill()


def _work(connection: Connection, assignment: Assignment) -> None:
    """Bring the lab up and make calls until the other end hangs up."""
    os.setpgrp()  # Ctrl-C reaches the parent alone, which says when to stop.
    try:
        # What a shell started in the background has learned to ignore Ctrl-C.
        with heeding_signals(even_if_ignored=True), only_run_in(assignment.lab):
            executor = LabExecutor(
                connect(),
                assignment.lab,
                assignment.run_id,
                assignment.topology,
                lab_is_own=True,
                host=assignment.host,
            )
            try:
                _serve(connection, executor, assignment)
            finally:
                with undisturbed():
                    executor.close()
    except LabError as error:
        _send(connection, "error", (error.message, error.hint))
    except (KeyboardInterrupt, EOFError, BrokenPipeError, ConnectionResetError):
        return


def _serve(connection: Connection, executor: LabExecutor, assignment: Assignment) -> None:
    one_says = Lock()

    def tell(happening: Happening) -> None:
        # What breaks during a call is told on the thread on which it does.
        with one_says:
            _send(connection, "says", happening)

    connection.send(("done", executor.prepare(assignment.first, tell)))
    while True:
        planned = connection.recv()
        try:
            record = executor.execute(planned, tell)
            if assignment.outbox is not None and not planned.calibrates:
                Outbox(assignment.outbox).put(CallName.of(assignment.run_id, planned), record)
            connection.send(("done", record))
        except LabError as error:
            connection.send(("error", (error.message, error.hint)))


def _send(connection: Connection, kind: str, value: object) -> None:
    try:
        connection.send((kind, value))
    except OSError:
        return
