"""A sweep over hosts that are not there: each call once, whatever becomes of hosts."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from stand_in_cluster import WORKER, StandInClient, StandInHost

from lab.cluster import hosts as hosts_module
from lab.cluster import place as place_module
from lab.cluster import post, tasks
from lab.cluster.place import ClusterPlace
from lab.cluster.travel import Order, Run
from lab.errors import LabError
from lab.events import Happening, Noted, silent
from lab.measure.record import CallRecord
from lab.sweep.experiment import Experiment
from lab.sweep.ledger import Ledger
from lab.sweep.outbox import CallName
from lab.sweep.plan import CALIBRATION, Plan, PlannedCall, make_plan
from lab.sweep.point import Point
from lab.sweep.runner import run_plan

POINTS = tuple(
    Point("v-tor", load_kind="wget", load_count=count, load_through="tor") for count in (20, 40, 80)
)
PLAN = make_plan(Experiment("sweep", "", None, Path("paper.yaml"), 1, 6, 18, POINTS, False, ""))
RUN = Run("sweep-1", "", POINTS[0], "", stay=True)


def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have nobody wait for long, and tasks find the stand-in's worker."""
    monkeypatch.setattr(place_module, "POLL_S", 0.005)
    monkeypatch.setattr(place_module, "LOOK_EVERY_S", 0.0)
    monkeypatch.setattr(hosts_module, "RETURN_S", 0.05)
    monkeypatch.setattr(post, "ASK_EVERY_S", 0.002)
    monkeypatch.setattr(tasks, "get_worker", lambda: WORKER.of_thread)


@pytest.fixture(autouse=True)
def _in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch)


@pytest.fixture
def host(tmp_path: Path) -> Callable[..., StandInHost]:
    return lambda name, **others: StandInHost(name, tmp_path, **others)


class Sweep:
    """One command that goes on with the run."""

    def __init__(self, client: StandInClient, kept: list[CallRecord], plan: Plan = PLAN) -> None:
        self.client, self.kept, self.said = client, kept, list[str]()
        self.calibrations: list[CallRecord] = []
        self.ledger = Ledger(plan, kept)
        self.place = ClusterPlace(
            cast(Any, client),
            RUN,
            plan,
            PlannedCall(Point("sip", duration_s=10), CALIBRATION, 1),
            set(),
            self.calibrations.append,
            self._hear,
            lambda: None,
        )

    def _hear(self, happening: Happening) -> None:
        if isinstance(happening, Noted):
            self.said.append(happening.text)

    def make(self, keep: Callable[[CallRecord], object] | None = None) -> None:
        """All calls."""
        try:
            self.place.await_host()
            run_plan(self.ledger, self.place, keep or self.kept.append, silent)
        finally:
            self.place.close()

    def assert_whole(self) -> None:
        """Nothing is wanted any more, and no call was stored twice."""
        assert self.ledger.still_wanted == 0
        calls = Counter((record.point_id, record.point_call) for record in self.kept)
        assert set(calls.values()) == {1}


def test_every_call_is_made_once_by_any_host(host: Callable[..., StandInHost]) -> None:
    hosts = [host("one"), host("two", labs=2)]
    client = StandInClient(*hosts)
    sweep = Sweep(client, [])
    sweep.make()
    sweep.assert_whole()
    assert {record.host for record in sweep.kept} == {"one", "two"}
    assert [*hosts[0].outbox.names()] == [*hosts[1].outbox.names()] == []


def test_no_more_calls_than_labs_are_with_the_scheduler(
    host: Callable[..., StandInHost],
) -> None:
    client = StandInClient(host("one"), host("two", labs=3))
    Sweep(client, []).make()
    assert client.most_held == 1


def test_dask_shows_calls_by_their_points(host: Callable[..., StandInHost]) -> None:
    """It groups tasks by what stands before a hyphen."""
    client = StandInClient(host("one"))
    Sweep(client, []).make()
    shown = {key[0] for key in client.keys} - {"about", "waiting", "forget", "end_run"}
    assert shown == {"calibration", *(point.point_id.replace("-", "_") for point in POINTS)}
    assert len(set(client.keys)) == len(client.keys)


def test_each_host_makes_a_calibration_call_first(host: Callable[..., StandInHost]) -> None:
    hosts = [host("one"), host("two")]
    sweep = Sweep(StandInClient(*hosts), [])
    sweep.make()
    for each in hosts:
        assert [planned.calibrates for planned in each.made[:2]] == [True, False]
    told = {(record.host, record.calibrates, record.run_id) for record in sweep.calibrations}
    assert told == {("one", "sweep-1", None), ("two", "sweep-1", None)}


def test_a_host_whose_calibration_is_invalid_is_set_aside_and_that_is_said(
    host: Callable[..., StandInHost],
) -> None:
    good = host("good")
    client = StandInClient(good)
    sweep = Sweep(client, [])
    sweep.place.await_host()
    client.hosts["tcp://bad:1"] = bad = host("bad", calibration_valid=False)
    good.gate = threading.Event()
    threading.Timer(0.3, good.gate.set).start()
    sweep.make()
    sweep.assert_whole()
    assert {record.host for record in sweep.kept} == {"good"}
    assert [planned.number for planned in bad.made] == [CALIBRATION, CALIBRATION]
    assert "bad is set aside for this run: its calibration calls were not valid" in sweep.said


def test_a_host_alone_goes_on_as_a_lab_of_this_host_would(
    host: Callable[..., StandInHost],
) -> None:
    sweep = Sweep(StandInClient(host("bad", calibration_valid=False)), [])
    sweep.make()
    sweep.assert_whole()


def test_a_host_whose_calls_are_invalid_is_set_aside_while_others_make_valid_ones(
    host: Callable[..., StandInHost],
) -> None:
    plan = make_plan(Experiment("sweep", "", None, Path(), 1, 30, 90, POINTS, False, ""))
    sweep = Sweep(StandInClient(host("good"), host("bad", always_invalid=True)), [], plan)
    sweep.make()
    sweep.assert_whole()
    assert any(text.startswith("bad is set aside for this run: its last 4") for text in sweep.said)
    assert sum(record.host == "bad" for record in sweep.kept) < len(sweep.kept) / 2


def test_calls_of_a_host_that_dies_are_made_elsewhere(host: Callable[..., StandInHost]) -> None:
    dying = host("dying", gate=threading.Event())
    client = StandInClient(dying)
    sweep = Sweep(client, [])
    sweep.place.await_host()
    client.hosts["tcp://one:1"] = host("one")

    def keep(record: CallRecord) -> None:
        sweep.kept.append(record)
        if len(sweep.kept) == 3:
            client.lose("dying")

    sweep.make(keep)
    sweep.assert_whole()
    assert "dying is gone; 1 calls were under way there" in sweep.said


def test_a_host_that_returns_brings_what_it_has_finished(
    host: Callable[..., StandInHost], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between finishing a call and handing it over, which is then not made again."""
    monkeypatch.setattr(hosts_module, "RETURN_S", 60.0)
    returning = host("returning")
    client = StandInClient(returning)
    client.deaf = True
    sweep = Sweep(client, [])
    sweep.place.await_host()
    ends = threading.Thread(target=sweep.make)
    ends.start()
    while not [*returning.outbox.names()]:
        time.sleep(0.002)
    client.lose("returning")
    while not any("returning is gone" in text for text in sweep.said):
        time.sleep(0.002)
    client.deaf = False
    client.hosts["tcp://returning:2"] = returning
    ends.join()
    sweep.assert_whole()
    made = Counter((p.point.point_id, p.number) for p in returning.made if p.number)
    assert set(made.values()) == {1}


def test_a_submitter_that_is_killed_loses_no_finished_call(
    host: Callable[..., StandInHost],
) -> None:
    """What hosts finish meanwhile waits there, and is not made again."""
    hosts = [host("one"), host("two")]
    planned = PLAN.order[0]
    hosts[0].host.make(Order(RUN, planned), silent)
    made_before = len(hosts[0].made)
    client = StandInClient(*hosts)
    resumed = Sweep(client, [])
    resumed.make()
    resumed.assert_whole()
    asked = planned.point.point_id.replace("-", "_")
    at_point = [record for record in resumed.kept if record.point_id == planned.point.point_id]
    assert [key[0] for key in client.keys].count(asked) == len(at_point) - 1
    again = [p for p in (*hosts[0].made[made_before:], *hosts[1].made) if p == planned]
    assert again == []
    assert (planned.point.point_id, planned.number) in {
        (record.point_id, record.point_call) for record in resumed.kept
    }
    assert [*hosts[0].outbox.names()] == []


def test_a_call_under_way_for_a_killed_submitter_is_waited_for(
    host: Callable[..., StandInHost],
) -> None:

    slow, planned = host("slow", gate=threading.Event()), PLAN.order[0]
    assert slow.gate is not None
    busy = threading.Thread(target=slow.host.make, args=(Order(RUN, planned), silent))
    busy.start()
    while not slow.host.under_way(RUN.run_id):
        pass
    threading.Timer(0.2, slow.gate.set).start()
    sweep = Sweep(StandInClient(host("one"), slow), [])
    sweep.make()
    busy.join()
    sweep.assert_whole()
    made = [*slow.made, *(p for h in sweep.client.hosts.values() if h is not slow for p in h.made)]
    assert made.count(planned) == 1


def test_a_call_that_was_made_twice_is_stored_once(host: Callable[..., StandInHost]) -> None:
    one, two = host("one"), host("two")
    sweep = Sweep(StandInClient(one), [])
    sweep.make()
    record = sweep.kept[0]
    assert record.point_id is not None and record.point_call is not None
    name = CallName(RUN.run_id, record.point_id, record.point_call)
    two.outbox.put(name, replace(record, call_id="twin"))
    sweep.kept.pop()
    resumed = Sweep(StandInClient(one, two), sweep.kept)
    resumed.make()
    resumed.assert_whole()
    assert "twin" not in {kept.call_id for kept in resumed.kept}
    assert [*two.outbox.names()] == []


def test_another_lab_than_ours_is_refused_by_name(host: Callable[..., StandInHost]) -> None:
    other = host("old")
    other.about["lab"] = "0.0.9 (12345678)"
    sweep = Sweep(StandInClient(other, host("one")), [])
    sweep.make()
    sweep.assert_whole()
    assert {record.host for record in sweep.kept} == {"one"}
    assert any("old is not used: it runs lab 0.0.9 (12345678)" in text for text in sweep.said)
    with pytest.raises(LabError, match=r"no host can make calls: old runs lab 0\.0\.9"):
        Sweep(StandInClient(other), []).make()


def test_a_host_that_cannot_call_is_set_aside_and_the_last_one_ends_the_run(
    host: Callable[..., StandInHost],
) -> None:
    trouble = LabError("the Docker engine does not answer", "Start it.")
    sweep = Sweep(StandInClient(host("down", trouble=trouble), host("one")), [])
    sweep.make()
    sweep.assert_whole()
    assert "down is set aside for this run: the Docker engine does not answer" in sweep.said
    with pytest.raises(LabError, match="down: the Docker engine does not answer"):
        Sweep(StandInClient(host("down", trouble=trouble)), []).make()


def test_a_scheduler_that_dies_ends_the_run_with_what_to_do(
    host: Callable[..., StandInHost],
) -> None:
    client = StandInClient(host("one"))
    sweep = Sweep(client, [])

    def keep(record: CallRecord) -> None:
        sweep.kept.append(record)
        client.status = "closed"

    with pytest.raises(LabError, match="the scheduler does not answer any more") as caught:
        sweep.make(keep)
    assert "resume" in caught.value.hint
    assert sweep.kept
