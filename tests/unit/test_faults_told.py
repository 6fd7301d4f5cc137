"""What status, lists and reports say of what is broken."""

from __future__ import annotations

import time
from dataclasses import replace
from ipaddress import IPv4Address
from typing import Any

import pytest
from report_runs import call, report_on, text_of
from test_faults import paper

from lab.cli.event_lines import words
from lab.engine.discovery import RunningLab, RunningNode
from lab.events import FaultBegan, FaultEnded, Happening, Noted
from lab.faults import ending
from lab.faults.ending import SLACK_S, end_overdue, in_words, is_overdue
from lab.faults.found import Found, found_in
from lab.lifecycle import status
from lab.lifecycle.ready import ReadyLab
from lab.render.owner import Owner
from lab.sweep.point import Point
from lab.topology.load import find_topology
from lab.wire.faults import LinkFault
from lab.wire.network import LinkRate, NetworkInForce

NOW = 1_764_211_569.0
FAULT = LinkFault(100.0, NOW, "hand")
BROKEN = Point("sip", fault="5s down caller home for 2s")


def link_rate(fault: LinkFault | None) -> LinkRate:
    return LinkRate("home", IPv4Address("10.0.0.2"), "eth0", None, None, None, fault=fault)


def test_a_fault_in_force_is_a_problem_of_the_lab(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status, "has_turn", lambda _: None)
    lab = RunningLab("trial", "paper", "", None, ())
    shown = {
        "caller": NetworkInForce("caller", (link_rate(FAULT),), None, ("cubic",), True),
        "callee": NetworkInForce("callee", (link_rate(None),), None, ("cubic",), True),
    }
    (problem,) = status._faults(lab, shown)
    assert problem.startswith("caller/home is down since ")
    assert problem.endswith(", by hand: `lab fault up caller home` ends that")


def test_a_paused_node_has_no_exit_status() -> None:
    paused = RunningNode("relay1", "relay", "c", "paused", 0)
    assert status._stopped(paused) == "relay1 is paused"
    dead = replace(paused, state="exited", exit_code=137)
    assert status._stopped(dead) == "relay1 is exited (exit status 137)"


@pytest.mark.parametrize(
    ("fault", "calling", "overdue"),
    [
        (FAULT, False, False),
        (replace(FAULT, until=NOW + 60), False, False),
        (replace(FAULT, until=NOW - SLACK_S - 1), False, True),
        (replace(FAULT, of="20261128T050000-3fa9c1"), True, False),
        (replace(FAULT, of="20261128T050000-3fa9c1"), False, True),
    ],
)
def test_what_nobody_ends_any_more_is_known(
    fault: LinkFault, calling: bool, overdue: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "time", lambda: NOW)
    assert is_overdue(fault, calling=calling) is overdue
    said = in_words(Found("down", "caller", "home", fault), calling=calling)
    assert ("`lab up` or `lab fault clear` does" in said) is overdue


def lab_of(*nodes: RunningNode) -> ReadyLab:
    running = RunningLab("trial", "paper", "", None, nodes)
    return ReadyLab(running, paper(), find_topology("paper").parent, {"net": ""}, Owner(1, 1), {})


def test_nodes_that_do_not_run_are_listed_without_asking_anybody() -> None:
    lab = lab_of(
        RunningNode("relay1", "relay", "a", "paused", 0),
        RunningNode("relay2", "relay", "b", "exited", 137),
        RunningNode("web", "web", "c", "running", None),
    )
    found = found_in(lab)
    assert [(one.kind, one.place, one.undo) for one in found] == [
        ("pause", "relay1", "lab fault resume relay1"),
        ("kill", "relay2", "lab fault restart relay2"),
    ]


def test_bringing_a_lab_up_ends_what_was_left_and_tells_of_the_rest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    left = Found("down", "caller", "home", replace(FAULT, of="20261128T050000-3fa9c1"))
    wanted = Found("loss", "callee", "office", replace(FAULT, loss_pct=20.0))
    monkeypatch.setattr(ending, "found_in", lambda _: (left, wanted, Found("kill", "relay1")))
    ended: list[Found] = []
    monkeypatch.setattr(ending, "end_links", lambda _lab, some, _tell: ended.extend(some))
    told: list[Happening] = []
    end_overdue(lab_of(), told.append)
    assert ended == [left]
    first, second = [one.text for one in told if isinstance(one, Noted)]
    assert first.startswith("the fault that a command had left is ended: caller/home is down ")
    assert "callee/office is losing 20 % since " in second
    assert second.endswith("by hand: `lab fault up callee office` ends that")


def test_events_say_what_is_broken_and_what_became_of_it() -> None:
    began = FaultBegan("loss", "server", "hosting", 12.5, 2.0)
    assert words(began) == "fault: loss server/hosting 12.5 %, for 2 s"
    assert words(FaultBegan("kill", "relay2", None, None, None)) == "fault: kill relay2"
    ended = FaultEnded("loss", "server", "hosting", 2.004, 31)
    assert words(ended) == "fault over: loss server/hosting after 2.00 s, 31 packets lost"
    assert words(FaultEnded("kill", "relay2", None, None, None)) == "fault over: kill relay2"


def rows_of(report: Any) -> dict[str, tuple[str, ...]]:
    (section,) = [one for one in report.sections if one.title == "What was broken"]
    return {row[2]: row for row in section.tables[0].rows}


def test_calls_with_a_fault_are_never_averaged_with_calls_without() -> None:
    points = (Point("sip"), BROKEN)
    calls = [
        call(point, number, mos, callee_loss_pct=loss, caller_loss_pct=loss)
        for point, mos, loss in ((points[0], 4.4, 0.0), (BROKEN, 2.6, 8.0))
        for number in (1, 2)
    ]
    report = report_on(points, calls, None)
    rows = rows_of(report)
    assert rows.keys() == {"nothing", "5s down caller home for 2s"}
    assert rows["nothing"][3].startswith("4.40")
    assert rows["5s down caller home for 2s"][3].startswith("2.60")
    assert rows["5s down caller home for 2s"][4] == "8.0"
    (alone,) = report.data["baseline"]["quality"]
    assert (alone["counts"]["valid"], alone["callee_mos"]["estimate"]) == (2, pytest.approx(4.4))


def test_what_nobody_had_asked_for_is_told() -> None:
    spoilt = call(Point("sip"), 2)
    spoilt.valid = False
    spoilt.faults = ["caller/home down from 3.00 s on, 9 packets lost, by hand"]
    told = " ".join(text_of(report_on((Point("sip"),), [call(Point("sip")), spoilt], None)).split())
    assert "Nobody had asked for this, and the calls are invalid" in told
    assert "caller/home down from 3.00 s on, 9 packets lost, by hand" in told
    assert "What was broken" not in text_of(report_on((Point("sip"),), [call(Point("sip"))], None))
