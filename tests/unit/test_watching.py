"""What `lab events` makes of Docker's events, of counters, and of what journals hold."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue
from types import SimpleNamespace
from typing import Any, cast

import pytest
from docker import DockerClient
from docker.types.daemon import CancellableStream

from lab.cli.event_lines import line_of, words
from lab.engine.discovery import RunningLab, RunningNode
from lab.engine.node_events import node_events
from lab.engine.traffic import Traffic
from lab.events import (
    Began,
    CallBegan,
    CallEnded,
    CallInterrupted,
    CircuitOpened,
    FaultBegan,
    Happening,
    LabUp,
    LinkCounters,
    NodeState,
    Noted,
)
from lab.events.at_work import is_at_work, under_way
from lab.events.told import Told
from lab.lifecycle.status import lab_status
from lab.render import labels
from lab.storage import NETWORKS, project_directory
from lab.watching import snapshot, watch
from lab.watching.counters import LinkReader, counters
from lab.wire.faults import LinkFault
from lab.wire.plain import to_plain

CALL = CallBegan("20260101T000000-3fa9c1", "v-tor", "PCMU")
CIRCUIT = CircuitOpened(("relay1", "relay2", "relay3"))
ENDED = CallEnded(CALL.call_id, "ok", False, None, ("too late",), {"caller_pesq_mos": 4.1})


def docker_event(action: str, **attributes: str) -> Mapping[str, Any]:
    own = {labels.NODE: "relay2", labels.ROLE: "relay", **attributes}
    return {"Action": action, "timeNano": 1_764_211_569_500_000_000, "Actor": {"Attributes": own}}


def told(what: Happening, pid: int | None = None, at: float | None = None) -> Told:
    return Told(
        time.time() if at is None else at,
        "paper",
        "call",
        os.getpid() if pid is None else pid,
        what,
    )


@pytest.mark.parametrize(
    ("event", "happening"),
    [
        (docker_event("start"), NodeState("relay2", "relay", "running")),
        (docker_event("die", exitCode="137"), NodeState("relay2", "relay", "exited", 137)),
        (docker_event("destroy"), NodeState("relay2", "relay", "removed")),
        (docker_event("oom"), Noted("relay2 has no memory left")),
    ],
    ids=lambda value: value["Action"] if isinstance(value, dict) else "",
)
def test_dockers_events_become_states(event: Mapping[str, Any], happening: Happening) -> None:
    stream = cast(CancellableStream, [docker_event("exec_create: python3"), event])
    assert list(node_events(stream)) == [(1_764_211_569.5, happening)]


def test_only_a_node_that_has_exited_is_found_with_an_exit_status(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    nodes = [
        SimpleNamespace(name=state, role="relay", state=state, exit_code=code)
        for state, code in (("running", None), ("paused", 0), ("created", 0), ("exited", 137))
    ]
    status: dict[str, list[Any]] = {"nodes": [], "problems": []}
    monkeypatch.setattr(snapshot, "lab_status", lambda *_, **__: status)
    lab = cast(Any, SimpleNamespace(topology="paper", nodes=nodes))
    found = list(snapshot.found(lab))
    states = [one for one in found if isinstance(one, NodeState)]
    assert {one.state: one.exit_code for one in states} == {
        "running": None,
        "paused": None,
        "created": None,
        "exited": 137,
    }


def test_a_link_that_is_broken_is_found_so_and_not_told_as_a_problem_that_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[Mapping[str, object]] = []

    def status(*_: object, **options: object) -> Mapping[str, Any]:
        asked.append(options)
        faults = (None, LinkFault(100.0, 50.0, "hand"), LinkFault(20.0, 50.0, "hand", 52.5))
        links = [
            {
                "network": f"lan{number}",
                "address": "10.0.0.2",
                "interface": "eth0",
                "rate_configured_kbps": None,
                "rate_in_force_kbps": None,
                "fault": None if fault is None else to_plain(fault),
            }
            for number, fault in enumerate(faults)
        ]
        return {"nodes": [{"node": "caller", "links": links}], "problems": []}

    monkeypatch.setattr(snapshot, "lab_status", status)
    found = list(snapshot.found(cast(Any, SimpleNamespace(topology="paper", nodes=[]))))
    assert [one for one in found if isinstance(one, FaultBegan)] == [
        FaultBegan("down", "caller", "lan1", None, None),
        FaultBegan("loss", "caller", "lan2", 20.0, 2.5),
    ]
    assert asked == [{"every": False, "broken": False}]


def test_a_node_that_does_not_run_is_told_by_its_state_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LAB_HOME", str(tmp_path))
    networks = project_directory("paper") / NETWORKS
    networks.parent.mkdir(parents=True)
    networks.write_text("{}")
    dead = RunningNode("pbx", "pbx", "", "exited", 1)
    lab = RunningLab("paper", "paper", "", None, (dead,))
    assert lab_status(lab)["problems"] == ["pbx is exited (exit status 1)"]
    found = list(snapshot.found(lab))
    assert NodeState("pbx", "pbx", "exited", 1) in found
    assert not [one for one in found if isinstance(one, Noted)]


def test_rates_are_those_since_the_counters_before() -> None:
    first = Traffic(100.0, 1000, 2000, 10, 20, 0)
    then = Traffic(102.0, 26_000, 2000, 35, 20, 1)
    assert counters("server", "hosting", None, first).sent_kbps is None
    link = counters("server", "hosting", first, then)
    assert (link.sent_kbps, link.received_kbps, link.dropped_packets) == (100.0, 0.0, 1)


def test_a_node_that_began_anew_has_no_rate_yet() -> None:
    before = Traffic(100.0, 50_000, 2000, 10, 20, 0)
    link = counters("server", "hosting", before, replace(before, at_s=102.0, sent_bytes=100))
    assert (link.sent_bytes, link.sent_kbps) == (100, None)


def test_the_call_that_goes_on_is_told_with_its_circuit_and_its_stage() -> None:
    history = [
        *(Began("capping the shared link"), CALL, Began("opening the path"), CIRCUIT),
        *(Began("starting captures"), Began("calling")),
    ]
    assert [one.what for one in under_way(map(told, history))] == [CALL, CIRCUIT, Began("calling")]


@pytest.mark.parametrize("end", [ENDED, CallInterrupted(CALL.call_id), LabUp(12.0)])
def test_what_is_over_is_not_told(end: Happening) -> None:
    assert under_way(map(told, [CALL, CIRCUIT, Began("measuring"), end])) == []


def test_a_command_that_was_killed_is_not_at_work() -> None:
    process = subprocess.Popen([sys.executable, "-c", "pass"])
    alive = told(CALL, process.pid)
    assert is_at_work(alive)
    process.wait()
    assert not is_at_work(alive)
    assert under_way([alive]) == []


def test_another_process_of_the_same_number_is_not_the_one_that_told() -> None:
    assert is_at_work(told(CALL))
    assert not is_at_work(told(CALL, at=time.time() - 30 * 86400))


def test_links_that_nothing_passed_are_no_news_for_a_person() -> None:
    link = LinkCounters("server", "hosting", 1, 1, 1, 1, 0, 0.0, 0.0)
    assert line_of(told(link)) is None
    assert "87.2 kbit/s out" in str(line_of(told(replace(link, sent_kbps=87.2))))


def test_a_call_in_words() -> None:
    assert words(ENDED) == f"call {CALL.call_id}: invalid, too late; caller hears PESQ 4.10"


@pytest.mark.parametrize("left_first", [True, False])
def test_what_breaks_while_links_are_counted_is_seen_unless_it_was_left(
    monkeypatch: pytest.MonkeyPatch, *, left_first: bool
) -> None:
    """As a process ends, no thread of it may begin another: a RuntimeError."""
    reading, go_on, done = threading.Event(), threading.Event(), threading.Event()
    broken: list[threading.ExceptHookArgs] = []

    def find_lab(client: DockerClient, lab: str) -> None:
        reading.set()
        go_on.wait(10)
        if left_first:
            threading.Timer(0.2, done.set).start()
        raise RuntimeError("cannot schedule new futures after shutdown")

    def note(args: threading.ExceptHookArgs) -> None:
        broken.append(args)
        done.set()

    monkeypatch.setattr(watch, "find_lab", find_lab)
    monkeypatch.setattr(threading, "excepthook", note)
    client, reader = cast("DockerClient", None), cast("LinkReader", None)
    with watch._counting(client, "lab", reader, 60, SimpleQueue()):
        assert reading.wait(10)
        if not left_first:
            go_on.set()
            assert done.wait(10)
    go_on.set()
    assert done.wait(10)
    assert len(broken) == (not left_first)
