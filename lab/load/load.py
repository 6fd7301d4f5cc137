"""A load that runs: waiting until it does, what it tells, and how a call's record takes it up."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from lab.calls.workspace import Workspace
from lab.engine.agent import Agent, AgentFailedError, AgentSilentError
from lab.errors import LabError
from lab.load.goodput import goodput
from lab.load.spec import LoadSpec
from lab.measure.record import CallRecord
from lab.wire.load import Lateness, LoadReport, Running, Take
from lab.wire.plain import to_plain

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
    ) -> None:
        """`counter` counts what the streams carry where their own agent cannot.

        `sender`, if there is one, tells how much was sent to there.
        """
        self.spec = spec
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
        )

    @contextmanager
    def observe(self, record: CallRecord, workspace: Workspace) -> Iterator[None]:
        """Measure the load while the block runs, into the record and `load.json`.

        A stream that died makes the call invalid: it did not compete with what was asked for.
        """
        record.load_kind, record.load_count = self.spec.kind, self.spec.count
        record.load_through = self.spec.route
        before = self.take()
        try:
            yield
        finally:
            report = self.take()
            note(record, report, self.spec.count, died_before=len(before.died))
            (workspace.host / "load.json").write_text(
                json.dumps({"spec": to_plain(self.spec), **to_plain(report)}), encoding="utf-8"
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


def note(record: CallRecord, report: LoadReport, count: int, died_before: int = 0) -> None:
    """Write what the streams got during the call into its record."""
    samples = report.samples
    record.load_died = died_before + len(report.died)
    record.load_established_min = min((sample.connected for sample in samples), default=None)
    if found := goodput(samples):
        record.load_goodput_kbps_mean = found.sum_kbps / count
        if len(found.streams_kbps) == count:
            record.load_goodput_kbps_min = found.min_kbps
            record.load_goodput_kbps_max = found.max_kbps
            record.load_jain = None if np.isnan(found.jain) else found.jain
        if report.sent_bytes:
            came = sum(samples[-1].carried_bytes) - sum(samples[0].carried_bytes)
            record.load_delivered_pct = 100 * came / report.sent_bytes
    if report.lateness:
        record.load_pacing_ms_p99 = report.lateness.p99_ms
        record.load_pacing_ms_max = report.lateness.max_ms
    if record.load_died:
        words = ""
        if report.died:
            words = f": stream {report.died[0].stream}: {report.died[0].reason}"
        record.invalid_reasons.append(
            f"{record.load_died} of {count} competing streams died{words}"
        )
    elif record.load_established_min is not None and record.load_established_min < count:
        record.invalid_reasons.append(
            f"only {record.load_established_min} of {count} competing streams were connected"
        )


def _worst(each: Sequence[Lateness]) -> Lateness | None:
    """The largest that is known of several senders; None where there are none."""
    if not each:
        return None
    p99_ms = max((late.p99_ms for late in each if late.p99_ms is not None), default=None)
    max_ms = max((late.max_ms for late in each if late.max_ms is not None), default=None)
    return Lateness(p99_ms, max_ms)
