"""A load that runs: waiting until it does, what it tells, and how a call's record takes it up."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from lab.calls.workspace import Workspace
from lab.engine.agent import AgentSilentError
from lab.engine.plain_agent import PlainAgent as Agent
from lab.errors import LabError
from lab.load.goodput import goodput
from lab.load.spec import LoadSpec
from lab.measure.record import CallRecord

ANSWER_DEADLINE_S = 15.0
POLL_S = 0.2


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What was seen of a load during one call."""

    at_s: tuple[float, ...]
    """When it was sampled, Unix seconds."""
    established: tuple[int, ...]
    """How many streams were connected at each sample."""
    counted_bytes: tuple[tuple[int, ...], ...]
    """Payload so far of every stream, or of all together, at each sample."""
    died: tuple[str, ...]
    """Streams that ended by themselves, with their last words."""
    sent_bytes: int | None = None
    """Payload sent meanwhile towards where it is counted; None where nobody tells."""
    late_ms_p99: float | None = None
    """How late paced senders were, the worse end; None for loads that keep no pace."""
    late_ms_max: float | None = None


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
                if event["event"] == "failed":
                    raise LabError(f"{what} did not come to run: {event['reason']}")
                if agent is self._counter and event["event"] == "running":
                    return
        report = self.take()
        flowing = sum(counted > 0 for counted in report.counted_bytes[-1])
        raise LabError(
            f"{what} did not come to run within {deadline_s:.0f} s: of {self.spec.count}, "
            f"{report.established[-1]} were connected and {flowing} had ever flowed"
        )

    def take(self) -> LoadReport:
        """What was seen since the last time; LabError where the load is gone altogether."""
        told = {agent: self._ask(agent) for agent in self._agents}
        answer = told[self._agent] | {"samples": told[self._counter]["samples"]}
        answer["sent_bytes"] = told[self._sender]["sent_bytes"] if self._sender else None
        return report_from(answer, [each["late"] for each in told.values() if "late" in each])

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
                json.dumps({"spec": asdict(self.spec), **asdict(report)}), encoding="utf-8"
            )

    @staticmethod
    def _ask(agent: Agent) -> dict[str, Any]:
        """The agent's answer to `take`; an event that it had told before is passed over."""
        answer = agent.ask({"op": "take"}, ANSWER_DEADLINE_S)
        while "samples" not in answer:
            answer = agent.receive(ANSWER_DEADLINE_S)
        return answer


def note(record: CallRecord, report: LoadReport, count: int, died_before: int = 0) -> None:
    """Write what the streams got during the call into its record."""
    record.load_died = died_before + len(report.died)
    record.load_established_min = min(report.established, default=None)
    if found := goodput(report.at_s, _equally_long(report.counted_bytes)):
        record.load_goodput_kbps_mean = found.sum_kbps / count
        if len(found.streams_kbps) == count:
            record.load_goodput_kbps_min = found.min_kbps
            record.load_goodput_kbps_max = found.max_kbps
            record.load_jain = None if np.isnan(found.jain) else found.jain
        if report.sent_bytes:
            came = sum(report.counted_bytes[-1]) - sum(report.counted_bytes[0])
            record.load_delivered_pct = 100 * came / report.sent_bytes
    record.load_pacing_ms_p99, record.load_pacing_ms_max = report.late_ms_p99, report.late_ms_max
    if record.load_died:
        words = f": {report.died[0]}" if report.died else ""
        record.invalid_reasons.append(
            f"{record.load_died} of {count} competing streams died{words}"
        )
    elif record.load_established_min is not None and record.load_established_min < count:
        record.invalid_reasons.append(
            f"only {record.load_established_min} of {count} competing streams were connected"
        )


def _equally_long(rows: tuple[tuple[int, ...], ...]) -> list[list[int]]:
    """Streams that were seen later than others had carried nothing before."""
    longest = max(map(len, rows), default=0)
    return [[*row, *[0] * (longest - len(row))] for row in rows]


def report_from(
    answer: dict[str, Any], late: Sequence[Mapping[str, float | None]] = ()
) -> LoadReport:
    """The report in an answer of `lab.agents.load.streams`; `late` is how late its senders were."""
    samples = answer["samples"]
    return LoadReport(
        at_s=tuple(at for at, _, _ in samples),
        established=tuple(established for _, established, _ in samples),
        counted_bytes=tuple(tuple(counted) for _, _, counted in samples),
        died=tuple(f"stream {item['stream']}: {item['reason']}" for item in answer["died"]),
        sent_bytes=answer.get("sent_bytes"),
        late_ms_p99=_worst(each["p99_ms"] for each in late),
        late_ms_max=_worst(each["max_ms"] for each in late),
    )


def _worst(values: Iterable[float | None]) -> float | None:
    """The largest that is known."""
    return max((value for value in values if value is not None), default=None)
