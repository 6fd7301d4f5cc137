"""A load that runs: waiting until it does, and what it tells during a call."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from lab.engine.agent import Agent, AgentFailedError, AgentSilentError
from lab.errors import LabError
from lab.load.spec import LoadSpec
from lab.measure.call.notes import CallNotes
from lab.measure.call.watches import LoadWatch
from lab.wire.load import Lateness, LoadReport, Running, Take

ANSWER_DEADLINE_S = 15.0
POLL_S = 0.2


class Load:
    """Competing traffic, controlled by its agent."""

    def __init__(
        self,
        spec: LoadSpec,
        agent: Agent,
        counter: Agent | None = None,
        sender: Agent | None = None,
        *,
        circuits: tuple[tuple[tuple[str, ...], ...], ...] = (),
    ) -> None:
        """`counter` counts what the streams carry where their own agent cannot.

        `sender`, if there is one, tells how much was sent to there. `circuits` are those that were
        drawn, of each user, where a load has such.
        """
        self.spec = spec
        self._circuits = circuits
        self._agent = agent
        self._counter = counter or agent
        self._sender = sender
        self._agents = tuple(dict.fromkeys(filter(None, (agent, counter, sender))))

    def wait_until_running(self, what: str, deadline_s: float) -> None:
        """Return when all streams are connected and flow; LabError where they do not."""
        deadline = time.monotonic() + deadline_s
        while time.monotonic() < deadline:
            for agent in self._agents:
                try:
                    event = agent.receive(POLL_S)
                except AgentSilentError:
                    continue
                except AgentFailedError as error:
                    raise LabError(f"{what} did not come to run: {error.reason}") from None
                if agent is self._counter and isinstance(event, Running):
                    return
        last = self.take().samples[-1]
        flowing = sum(carried > 0 for carried in last.carried_bytes)
        raise LabError(
            f"{what} did not come to run within {deadline_s:.0f} s: of {self.spec.count}, "
            f"{last.connected} were connected and {flowing} had ever flowed"
        )

    def take(self) -> LoadReport:
        """What was seen since the last time; LabError where the load is gone altogether."""
        told = {agent: _ask(agent) for agent in self._agents}
        return LoadReport(
            samples=told[self._counter].samples,
            died=told[self._agent].died,
            sent_bytes=told[self._sender].sent_bytes if self._sender else None,
            lateness=_worst([each.lateness for each in told.values() if each.lateness]),
            retried=told[self._agent].retried,
        )

    @contextmanager
    def observe(self, notes: CallNotes) -> Iterator[None]:
        """See what the load gets while the block runs; it is in the call's notes after it."""
        died_before = len(self.take().died)
        try:
            yield
        finally:
            spec = self.spec
            notes.load = LoadWatch(
                kind=spec.kind,
                count=spec.count,
                through=spec.route,
                direction=spec.direction,
                circuit=spec.circuit,
                circuits=self._circuits,
                died_before=died_before,
                report=self.take(),
            )


def _ask(agent: Agent) -> LoadReport:
    """What the agent has seen; whatever it had told before is passed over."""
    agent.send(Take())
    while True:
        try:
            event = agent.receive(ANSWER_DEADLINE_S)
        except AgentFailedError:
            continue
        if isinstance(event, LoadReport):
            return event


def _worst(each: Sequence[Lateness]) -> Lateness | None:
    """The largest that is known of several senders; None where there are none."""
    if not each:
        return None
    p99_ms = max((late.p99_ms for late in each if late.p99_ms is not None), default=None)
    max_ms = max((late.max_ms for late in each if late.max_ms is not None), default=None)
    return Lateness(p99_ms, max_ms)
