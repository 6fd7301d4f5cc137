"""What the page knows of a lab: what the stream has told, and nothing besides."""

from __future__ import annotations

from lab.events import (
    Began,
    CallBegan,
    CallEnded,
    CallInterrupted,
    CaughtUp,
    CircuitOpened,
    FaultBegan,
    FaultEnded,
    Happening,
    LabFound,
    LabGone,
    LinkCounters,
    LinkFound,
    LinkShaped,
    NodeState,
    Noted,
    RunAdvanced,
    RunBegan,
    RunEnded,
)
from lab.events.told import Told
from lab.web.now import KEPT, LabNow

FOUND = (
    LabFound("paper"),
    NodeState("caller", "endpoint", "running"),
    NodeState("relay1", "relay", "running"),
    LinkFound("caller", "lan", "10.0.0.2", "eth0", 2000, 2000),
    Noted("pbx is exited (exit status 1)"),
    CaughtUp(),
)
ENDED = CallEnded("c1", "ok", False, None, ("too late",), {"caller_pesq_mos": 4.1})


def told(*happenings: Happening, teller: str = "call") -> LabNow:
    now = LabNow()
    for at, happening in enumerate((*FOUND, *happenings)):
        now.enter(Told(float(at), "paper", teller, 1, happening))
    return now


def counters(sent: float | None, received: float | None) -> LinkCounters:
    return LinkCounters("caller", "lan", 1, 1, 1, 1, 7, sent, received)


def test_a_lab_as_it_was_found() -> None:
    now = told()
    assert (now.lab, now.topology, now.is_up, now.caught_up) == ("paper", "paper", True, True)
    assert {name: node.role for name, node in now.nodes.items()} == {
        "caller": "endpoint",
        "relay1": "relay",
    }
    link = now.links["caller", "lan"]
    assert (link.address, link.rate_kbps, link.sent_kbps) == ("10.0.0.2", 2000, None)
    assert now.problems == ["pbx is exited (exit status 1)"]


def test_what_is_noted_later_is_no_problem_of_the_lab() -> None:
    assert told(Noted("waiting for the call before")).problems == told().problems


def test_links_are_as_they_were_shaped_and_counted_last() -> None:
    now = told(
        LinkShaped("caller", "lan", "out", 5000, "5 Mbit/s"),
        LinkShaped("caller", "lan", "in", 90, "90 kbit/s"),
        counters(80.5, 79.5),
    )
    link = now.links["caller", "lan"]
    assert link.rate_kbps == 5000, "what comes in has a cap of its own"
    assert link.shapes == {"out": "5 Mbit/s", "in": "90 kbit/s"}
    assert (link.sent_kbps, link.received_kbps, link.dropped_packets) == (80.5, 79.5, 7)


def test_a_node_that_has_ended_carries_nothing() -> None:
    now = told(counters(80.0, 80.0), NodeState("caller", "endpoint", "exited", 137))
    assert now.nodes["caller"].exit_code == 137
    assert now.links["caller", "lan"].sent_kbps is None
    assert "caller" not in told(NodeState("caller", "endpoint", "removed")).nodes


def test_a_call_from_its_beginning_to_its_end() -> None:
    began = (CallBegan("c1", "v-tor", "PCMU"), Began("opening the path"))
    circuits = (CircuitOpened(("a", "b", "c")), CircuitOpened(("d", "e"), "callee"))
    now = told(*began, *circuits)
    assert now.call is not None
    assert (now.call.method, now.call.stage) == ("v-tor", "opening the path")
    assert now.call.circuits == {"caller": ("a", "b", "c"), "callee": ("d", "e")}
    now = told(*began, *circuits, ENDED)
    assert now.call is None
    assert now.ended is ENDED
    given_up = told(*began, CallInterrupted("c1"))
    assert (given_up.call, given_up.ended) == (None, None)


def test_stages_of_other_work_are_no_stages_of_a_call() -> None:
    now = told(CallBegan("c1", "sip", "PCMU"))
    now.enter(Told(9.0, "paper", "call", 2, Began("waiting for the call before")))
    now.enter(Told(9.0, "paper", "call", 2, CircuitOpened(("a", "b", "c"))))
    assert now.call is not None
    assert (now.call.stage, now.call.circuits) == ("", {})


def test_faults_are_there_until_they_end() -> None:
    down = FaultBegan("down", "caller", "lan", None, 2.0)
    kill = FaultBegan("kill", "relay1", None, None, None)
    now = told(down, kill, FaultEnded("down", "caller", "lan", 2.0, 15))
    assert list(now.faults.values()) == [kill]


def test_a_node_that_runs_again_is_whole_whoever_has_started_it() -> None:
    kill = FaultBegan("kill", "caller", None, None, None)
    down = FaultBegan("down", "caller", "lan", None, None)
    other = FaultBegan("pause", "relay1", None, None, None)
    exited = NodeState("caller", "endpoint", "exited", 137)
    assert list(told(kill, down, other, exited).faults.values()) == [kill, down, other]
    now = told(kill, down, other, exited, NodeState("caller", "endpoint", "running"))
    assert list(now.faults.values()) == [down, other]


def test_a_run_advances_with_its_calls() -> None:
    advanced = RunAdvanced("r1", "p1", 2, "caller", ENDED, 1, 4.1, 5, 7, 13)
    now = told(RunBegan("r1", 6, 14), advanced, advanced)
    assert now.run is not None
    assert (now.run.made, now.run.valid, now.run.still_wanted) == (7, 5, 13)
    assert now.run.advanced == 2
    assert told(RunBegan("r1", 6, 14), advanced, RunEnded("r1", 5, 2, 0)).run is None
    late = told(advanced)
    assert late.run is not None, "who listens later is told of the run by its next call"
    assert late.run.made == 7


def test_a_lab_that_has_gone_has_nothing() -> None:
    now = told(CallBegan("c1", "sip", "PCMU"), LabGone())
    assert (now.is_up, now.nodes, now.links, now.call) == (False, {}, {}, None)


def test_found_again_it_is_what_is_found_now() -> None:
    now = told(FaultBegan("kill", "relay1", None, None, None), *FOUND)
    assert (now.faults, len(now.nodes), len(now.problems)) == ({}, 2, 1)


def test_only_the_last_happenings_are_kept_and_counters_never() -> None:
    now = told(*(counters(1.0, 1.0) for _ in range(2 * KEPT)), CallInterrupted("c1"))
    assert len(now.happenings) == len(FOUND) + 1
    assert len(told(*(CallInterrupted(str(n)) for n in range(2 * KEPT))).happenings) == KEPT


def test_who_has_ended_without_a_word_is_let_go() -> None:
    now = told(CallBegan("c1", "sip", "PCMU"), RunBegan("r1", 6, 14))
    asked: list[Told] = []

    def at_work(one: Told) -> bool:
        asked.append(one)
        return isinstance(one.what, CallBegan)

    now.forget_who_has_ended(at_work)
    assert now.call is not None, "its process is at work"
    assert now.run is None
    assert [type(one.what) for one in asked] == [CallBegan, RunBegan]
    now.forget_who_has_ended(lambda _: False)
    assert now.call is None
