"""What a run does around its calls in a lab: topologies per cipher, locks, trouble in words."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from ipaddress import IPv4Network
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from docker.errors import APIError
from simulated_calls import simulated

from lab.engine.lock import only_run_in
from lab.errors import LabError
from lab.events import silent
from lab.measure.call.notes import CallPlan
from lab.measure.record import CallRecord
from lab.sweep import lab_executor
from lab.sweep.lab_executor import LabExecutor, RunFiles
from lab.sweep.locks import only_hand_on
from lab.sweep.plan import PlannedCall
from lab.sweep.point import Point
from lab.topology.load import find_topology, load_topology
from lab.topology.model import PbxKind
from lab.topology.resolve import resolve

PAPER = resolve(
    load_topology(find_topology("paper")),
    "paper",
    IPv4Network("10.77.16.0/20"),
    PbxKind.KAMAILIO,
)
PLANNED = PlannedCall(Point("vpn"), 1, seed=3)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LAB_HOME", str(tmp_path))
    return tmp_path


def test_another_cipher_is_the_same_topology_but_for_openvpn() -> None:
    paper = find_topology("paper")
    files = RunFiles("cliff-1")
    changes = {"vpn.cipher": "AES-256-CBC", "vpn.digest": "SHA512"}
    plain = load_topology(files.topology(paper.read_text(), {}))
    other = load_topology(files.topology(paper.read_text(), changes))
    assert plain == load_topology(paper)
    assert (other.vpn.cipher, other.vpn.digest) == ("AES-256-CBC", "SHA512")
    assert other.model_copy(update={"vpn": plain.vpn}) == plain


def test_one_run_at_a_time_in_a_lab_and_one_hand_on_a_run() -> None:
    with only_run_in("paper"), only_run_in("other"):
        with pytest.raises(LabError, match="another run is under way in lab paper"):
            only_run_in("paper").__enter__()
        with only_hand_on("cliff-1"), pytest.raises(LabError, match="run cliff-1 is under way"):
            only_hand_on("cliff-1").__enter__()
    with only_run_in("paper"):
        pass


class StubbedLab:
    """A lab that is up as long as `running`, in which calls end as `outcome` says."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.stopped: list[str] = []
        self.outcome: CallRecord | Exception = simulated(PLANNED)
        self.surroundings: Exception | None = None
        self.lab = SimpleNamespace(topology=PAPER)
        self.plans: list[CallPlan] = []
        monkeypatch.setattr(lab_executor, "measuring", nullcontext)
        for name in (
            *("conditions", "make_call", "failed_call", "find_labs"),
            *("having_turn", "open_lab", "up"),
        ):
            monkeypatch.setattr(lab_executor, name, getattr(self, name))

    @contextmanager
    def conditions(self, *_: Any) -> Iterator[tuple[()]]:
        if self.surroundings:
            raise self.surroundings
        yield ()

    def make_call(self, _lab: Any, plan: CallPlan, *_: Any) -> CallRecord:
        self.plans.append(plan)
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome

    def failed_call(self, _lab: Any, _plan: Any, reason: str, *_: Any) -> CallRecord:
        record = simulated(PLANNED)
        record.status, record.valid, record.reason = "failed", False, reason
        return record

    def find_labs(self, *_: Any) -> tuple[SimpleNamespace, ...]:
        stopped = tuple(SimpleNamespace(name=name) for name in self.stopped)
        return (SimpleNamespace(name="paper", stopped=stopped),)

    @contextmanager
    def having_turn(self, *_: Any) -> Iterator[SimpleNamespace]:
        yield self.lab

    def open_lab(self, *_: Any) -> SimpleNamespace:
        return self.lab

    def up(self, *_: Any) -> None:
        self.stopped = []


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> StubbedLab:
    return StubbedLab(monkeypatch)


def execute() -> CallRecord:
    executor = LabExecutor(SimpleNamespace(), "paper", "cliff-1", "name: paper\n", True)
    return executor.execute(PLANNED, silent)


def test_a_call_is_told_where_in_the_plan_it_belongs(stub: StubbedLab) -> None:
    execute()
    (plan,) = stub.plans
    assert (plan.run_id, plan.seed) == ("cliff-1", 3)
    assert (plan.columns["point_id"], plan.columns["point_call"]) == ("vpn.PCMU.to-callee", 1)


def test_load_that_does_not_come_to_run_is_how_the_call_failed(stub: StubbedLab) -> None:
    stub.surroundings = LabError("a competing transfer ended before all of them ran: refused")
    record = execute()
    assert record.status == "failed"
    assert record.reason == "a competing transfer ended before all of them ran: refused"
    assert record.point_id == "vpn.PCMU.to-callee"


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "No space left on device"),
        (APIError("the daemon is shutting down"), "the Docker engine answered with an error"),
    ],
)
def test_a_lost_disk_or_engine_stops_the_run_in_words(
    stub: StubbedLab, trouble: Exception, said: str
) -> None:
    stub.outcome = trouble
    with pytest.raises(LabError, match=said) as caught:
        execute()
    assert "lab experiment resume last" in caught.value.hint


def test_a_disk_that_is_nearly_full_stops_the_run_before_a_call_is_spoilt(
    stub: StubbedLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lab_executor, "MIN_FREE_BYTES", 2**60)
    with pytest.raises(LabError, match=r"is full: .* MiB are left"):
        execute()


def test_a_lab_that_cannot_carry_the_method_stops_the_run_in_words(stub: StubbedLab) -> None:
    stub.lab.topology = replace(PAPER, nodes=PAPER.nodes[:-1])
    with pytest.raises(LabError, match="topology paper cannot carry vpn: it lacks an endpoint"):
        execute()
