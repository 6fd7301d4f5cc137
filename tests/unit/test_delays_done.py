"""What delay lines were asked and did during a call, and when that makes it invalid."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from ipaddress import IPv4Network
from types import SimpleNamespace
from typing import Any

import pytest
from call_directory import call_notes

from lab.calls.observe import delays as observe
from lab.engine.agent import AgentEndedError
from lab.engine.discovery import RunningLab
from lab.lifecycle.ready import ReadyLab
from lab.measure.call.delays import LEAST_PACKETS, delay_faults, note_delays
from lab.measure.call.notes import CallNotes
from lab.measure.call.watches import DelayWatch
from lab.measure.record import CallRecord
from lab.render.owner import Owner
from lab.topology.load import find_topology, load_topology
from lab.topology.model import PbxKind
from lab.topology.resolve import resolve
from lab.wire.links import DelayCounts, LinkInForce, LinksShown, ShowLinks, SideInForce
from lab.wire.shape import Shape

POINT = "caller/internet/out"
BEFORE = DelayCounts(
    sent=50, lost=1, refused=0, on_the_way=0, late_max_us=4_000, bin_us=10,
    late={"5": 49, "400": 1},
)  # fmt: skip


def watch(after: DelayCounts | None) -> DelayWatch:
    shape = Shape(delay_ms=40)
    return DelayWatch(POINT, shape, BEFORE, after, None if after is None else shape)


def later(late: dict[int, int], **changes: Any) -> DelayCounts:
    """The counts after so many packets more, by how late they were, µs."""
    steps = {int(step): count for step, count in BEFORE.late.items()}
    for late_us, count in late.items():
        steps[late_us // 10] = steps.get(late_us // 10, 0) + count
    whole = {str(step): count for step, count in steps.items()}
    return replace(BEFORE, sent=sum(steps.values()), late=whole, **changes)


def record_of(*watches: DelayWatch) -> CallRecord:
    record = CallRecord("x", "", "sip", "PCMU", "l", "t", "kamailio", 0)
    note_delays(record, watches)
    return record


def test_only_what_happened_during_the_call_counts() -> None:
    record = record_of(watch(later({60: 990, 300: 10}, lost=3)))
    assert (record.delay_late_ms_p50, record.delay_late_ms_p99) == (0.07, 0.07)
    assert record.delay_late_ms_max == 0.31
    assert (record.delay_refused, record.invalid_reasons) == (0, [])
    assert record.delays == {
        POINT: "asked: delay 40 ms; done: 1000 packets sent on 0.07 ms late "
        "(median; p99 0.07, at most 0.31), 2 lost"
    }


def test_the_latest_packet_is_known_to_the_microsecond_where_it_is_the_latest_ever() -> None:
    record = record_of(watch(later({60: 1000, 20_000: 20}, late_max_us=23_456)))
    assert record.delay_late_ms_max == record.delay_late_ms_p99 == 23.456


def test_the_worst_link_has_the_columns() -> None:
    good = watch(later({60: 500}))
    bad = replace(watch(later({900: 500})), point="relay1/internet/out")
    record = record_of(good, bad)
    assert record.delay_late_ms_p99 == 0.91
    assert list(record.delays) == [POINT, "relay1/internet/out"]


def test_a_call_without_delayed_links_says_nothing_of_them() -> None:
    record = record_of()
    assert (record.delays, record.delay_late_ms_p99, record.delay_refused) == ({}, None, None)


@pytest.mark.parametrize(
    ("after", "said"),
    [
        (later({60: 97, 1_500: 3}), ["was late at caller/internet/out, 99th percentile 1.51 ms"]),
        (later({60: 99, 1_500: 1}), []),
        (later({1_500: LEAST_PACKETS - 1}), []),
        (later({60: 500}, refused=7), ["refused 7 packets at caller/internet/out"]),
        (None, ["the delay line of caller did not answer after the call"]),
        (replace(BEFORE, sent=20), ["the delay line of caller was started anew"]),
    ],
)
def test_what_a_delay_line_did_not_do_makes_the_call_invalid(
    after: DelayCounts | None, said: list[str]
) -> None:
    faults = delay_faults(watch(after))
    assert len(faults) == len(said)
    assert all(part in fault for part, fault in zip(said, faults, strict=True))


def test_a_delay_that_somebody_changed_makes_the_call_invalid() -> None:
    changed = replace(watch(later({60: 500})), shape_after=Shape(delay_ms=90))
    [fault] = delay_faults(changed)
    assert fault.endswith("changed during the call, from delay 40 ms to delay 90 ms")


@dataclass
class Reader:
    """A reader in a node, whose delay line may end."""

    machine: str
    answers: list[DelayCounts | None]
    asked: list[ShowLinks] = field(default_factory=list)

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def end(self) -> None:
        pass

    def send(self, order: ShowLinks) -> None:
        self.asked.append(order)

    def expect(self, _kind: object, _deadline_s: float) -> LinksShown:
        counts = self.answers.pop(0)
        if counts is None:
            raise AgentEndedError("no delay line answers")
        late, open_ = Shape(delay_ms=40), SideInForce(Shape(), None)
        link = LinkInForce("eth0", SideInForce(late, None, counts), open_)
        return LinksShown((link,) * len(self.asked[-1].addresses))


def test_the_lines_on_the_way_are_read_before_and_after(monkeypatch: pytest.MonkeyPatch) -> None:
    block = IPv4Network("10.99.0.0/16")
    topology = resolve(load_topology(find_topology("paper")), "paper", block, PbxKind.KAMAILIO)
    running = RunningLab("paper", "paper", "", block, ())
    lab = ReadyLab(running, topology, find_topology("paper").parent, {"net": ""}, Owner(1, 1), {})
    readers = {
        "caller": Reader("caller", [BEFORE, later({60: 500})]),
        "callee": Reader("callee", [BEFORE, None]),
    }
    lines = {name: SimpleNamespace() for name in (*readers, "web")}
    monkeypatch.setattr(observe, "connect", lambda: None)
    monkeypatch.setattr(observe, "find_lab", lambda *_: SimpleNamespace(delay_lines=lines))
    monkeypatch.setattr(observe, "start_reader", lambda _lab, machine, *_: readers[machine])
    path = call_notes().path
    assert path
    notes: CallNotes = call_notes()
    with observe.DelayReaders(lab, path) as delays, delays.reading(notes):
        pass
    found = {one.point.partition("/")[0]: one for one in notes.delays}
    assert found.keys() == readers.keys()
    assert found["caller"].after == later({60: 500})
    assert found["callee"].after is None
    assert {one.point.rpartition("/")[2] for one in notes.delays} == {"out"}
