"""The clocks and the processors of a lab's hosts around a call; nothing where it is on one."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Self

from lab.engine.agent import Agent, AgentError
from lab.engine.execution import start_on_host
from lab.lifecycle.ready import ReadyLab
from lab.measure.call.notes import CallNotes
from lab.measure.call.watches import HostWatch
from lab.measure.host_load import CpuTimes
from lab.topology.model import HERE
from lab.wire.clock import (
    CLOCK,
    AnswerClock,
    Answering,
    AskClock,
    ClockTold,
    Exchange,
    HostRead,
    ReadHost,
)

EXCHANGES = 40
DEADLINE_S = 30.0


@dataclass(frozen=True, slots=True)
class _Other:
    """A host that is not this one, and who asks it."""

    name: str
    agent: Agent
    ask: AskClock


class HostClocks:
    """A helper in the network of each host, without capabilities, at rest while ends talk."""

    def __init__(self, lab: ReadyLab) -> None:
        self._lab = lab
        self._running = ExitStack()
        self._here: Agent | None = None
        self._others: list[_Other] = []

    def __enter__(self) -> Self:
        """Start them; LabError where one does not start, or has not the address of its host."""
        topology = self._lab.topology
        with ExitStack() as starting:
            if topology.hosts:
                here = topology.host(HERE)
                self._here = starting.enter_context(self._start(here.engine))
                for host in topology.others:
                    agent, token = self._start(host.engine), secrets.token_hex(16)
                    starting.enter_context(agent)
                    order = AnswerClock(host.underlay, here.underlay, token)
                    port = agent.ask(order, Answering, DEADLINE_S).port
                    ask = AskClock(here.underlay, host.underlay, port, token, EXCHANGES)
                    self._others.append(_Other(host.name, agent, ask))
            self._running = starting.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()

    @contextmanager
    def comparing(self, notes: CallNotes) -> Iterator[None]:
        """Compare before and after the block; what was found is in the notes after it.

        LabError where a host does not tell before it. One that does not afterwards has no second
        comparison.
        """
        before = [self._read(other) for other in self._others]
        for other, (host, _) in zip(self._others, before, strict=True):
            on = self._lab.topology.host_of
            own = [machine for machine in notes.clocks if on(machine) == other.name]
            notes.clocks = {**notes.clocks, **dict.fromkeys(own, _clock(other.name, host))}
        try:
            yield
        finally:
            watches = []
            for other, (host, exchanges) in zip(self._others, before, strict=True):
                watch = HostWatch(other.name, _clock(other.name, host), exchanges, ())
                with suppress(AgentError):
                    later, after = self._read(other)
                    processors = (_times(host), _times(later))
                    watch = replace(watch, after=after, processors=processors)
                watches.append(watch)
            notes.hosts = tuple(watches)

    def _read(self, other: _Other) -> tuple[HostRead, tuple[Exchange, ...]]:
        assert self._here is not None
        exchanges = self._here.ask(other.ask, ClockTold, DEADLINE_S).exchanges
        return other.agent.ask(ReadHost(), HostRead, DEADLINE_S), exchanges

    def _start(self, engine: str) -> Agent:
        lab, owner = self._lab, self._lab.owner
        options = ("--user", f"{owner.uid}:{owner.gid}")
        return start_on_host(lab.running.name, engine, lab.net_image, options, CLOCK)


def _clock(host: str, told: HostRead) -> str:
    """Its kernel's, by the name of the host: two hosts of a lab are never taken to share one."""
    return f"{host} {told.boot_id}"


def _times(told: HostRead) -> CpuTimes:
    return CpuTimes(told.total, told.idle, told.steal)
