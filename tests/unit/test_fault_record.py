"""What a record says of what was broken: asked for, it is measured; else the call is invalid."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from call_directory import call_notes, make_directory, measured
from test_faults import paper

from lab.calls.observe.delays import others_faults
from lab.calls.observe.nodes import broken_by_call, whole_again
from lab.events import NodeState
from lab.measure.call.faults import fault_faults, in_words
from lab.measure.call.notes import EndedNode, read_notes
from lab.measure.call.watches import FaultWatch
from lab.wire.faults import LinkFault
from lab.wire.links import SideInForce
from lab.wire.shape import Shape

VOICE_AT = 1_764_211_569.0
ASKED = FaultWatch(
    kind="down",
    past="down",
    node="caller",
    network="home",
    loss_pct=None,
    asked_at_s=5.0,
    asked_for_s=2.0,
    began_at=VOICE_AT + 5.004,
    ended_at=VOICE_AT + 7.006,
    lost=98,
)
KILLED = replace(
    ASKED, kind="kill", past="dead", node="relay2", network=None, lost=None, asked_for_s=None
)
BY_HAND = replace(ASKED, asked_at_s=None, asked_for_s=None, by="hand")


@pytest.mark.parametrize(
    ("watch", "words"),
    [
        (ASKED, "caller/home down from 5.00 s to 7.01 s, 98 packets lost"),
        (
            replace(ASKED, kind="loss", past="losing packets", loss_pct=12.5),
            "caller/home losing packets (12.5 %) from 5.00 s to 7.01 s, 98 packets lost",
        ),
        (replace(KILLED, ended_at=None), "relay2 dead from 5.00 s on"),
        (replace(ASKED, began_at=None), "caller/home down: did not come about"),
        (
            replace(BY_HAND, began_at=VOICE_AT - 60),
            "caller/home down since before the voice began to 7.01 s, 98 packets lost, by hand",
        ),
        (
            replace(BY_HAND, by="20261128T050000-3fa9c1", ended_at=None),
            "caller/home down from 5.00 s on, 98 packets lost, left by call 20261128T050000-3fa9c1",
        ),
        (
            replace(KILLED, asked_at_s=None),
            "relay2 dead from 5.00 s to 7.01 s, which the call had not asked for",
        ),
    ],
)
def test_a_fault_is_a_sentence(watch: FaultWatch, words: str) -> None:
    assert in_words(watch, VOICE_AT) == words


@pytest.mark.parametrize(
    ("watch", "faults"),
    [
        (ASKED, []),
        (
            replace(ASKED, began_at=VOICE_AT + 5.5, ended_at=VOICE_AT + 7.5),
            ["the fault of caller/home (down) came 0.50 s late"],
        ),
        (
            replace(ASKED, ended_at=VOICE_AT + 6.0),
            ["the fault of caller/home (down) lasted 1.00 s, not 2 s"],
        ),
        (replace(ASKED, asked_for_s=None, ended_at=VOICE_AT + 25.0), []),
        (
            replace(ASKED, began_at=None, ended_at=None),
            ["the fault of caller/home (down) did not come: the call was over before 5 s of voice"],
        ),
        (
            replace(ASKED, began_at=None, failure="no delay line answers"),
            ["the fault of caller/home (down) did not go as asked: no delay line answers"],
        ),
        # Docker and Compose take their time to start a node again.
        (replace(KILLED, asked_for_s=2.0, ended_at=VOICE_AT + 11.0), []),
        (
            replace(KILLED, asked_for_s=2.0, ended_at=VOICE_AT + 31.0),
            ["the fault of relay2 (kill) lasted 26.00 s, not 2 s"],
        ),
        (BY_HAND, ["caller/home down from 5.00 s to 7.01 s, 98 packets lost, by hand"]),
    ],
)
def test_only_what_came_as_asked_is_part_of_a_valid_call(
    watch: FaultWatch, faults: list[str]
) -> None:
    assert fault_faults(watch, VOICE_AT) == faults


def test_a_call_that_met_what_it_asked_for_is_valid_and_says_so(tmp_path: Path) -> None:
    notes = call_notes(faults=(ASKED,), voice_began_at=VOICE_AT)
    notes.plan = replace(notes.plan, columns={"faults_asked": "5s down caller home for 2s"})
    directory = make_directory(tmp_path, notes)
    assert read_notes(directory).faults == (ASKED,)
    record = measured(directory)
    assert (record.valid, record.invalid_reasons) == (True, [])
    assert record.faults_asked == "5s down caller home for 2s"
    assert record.faults == ["caller/home down from 5.00 s to 7.01 s, 98 packets lost"]


def test_a_call_under_which_somebody_broke_a_link_is_invalid_and_names_it(tmp_path: Path) -> None:
    notes = call_notes(faults=(ASKED, replace(BY_HAND, node="callee", network="office")))
    notes.voice_began_at = VOICE_AT
    record = measured(make_directory(tmp_path, notes))
    assert record.valid is False
    assert record.invalid_reasons == [
        "callee/office down from 5.00 s to 7.01 s, 98 packets lost, by hand"
    ]
    assert len(record.faults) == 2


def test_a_node_that_the_call_has_killed_is_no_reason_against_it(tmp_path: Path) -> None:
    ended = (EndedNode("relay2", 137), EndedNode("web", 137))
    notes = call_notes(
        faults=(replace(KILLED, ended_at=None),), voice_began_at=VOICE_AT, ended_nodes=ended
    )
    record = measured(make_directory(tmp_path, notes))
    assert record.invalid_reasons == ["node web ended during the call, exit status 137"]


def test_a_fault_is_told_though_the_call_came_to_no_voice(tmp_path: Path) -> None:
    notes = call_notes(faults=(BY_HAND,), failure="caller: no 'playing' within 30 s", reports=None)
    record = measured(make_directory(tmp_path, notes))
    assert (record.status, record.reason) == ("failed", "caller: no 'playing' within 30 s")
    assert record.faults == ["caller/home down while the call was made, 98 packets lost, by hand"]


def side(fault: LinkFault | None) -> SideInForce:
    return SideInForce(Shape(), None, None, fault)


def test_faults_of_links_are_seen_whosever_they_are() -> None:
    began_at, own = 100.0, "20261128T050000-3fa9c1"
    mine = LinkFault(100.0, 110.0, own, ended_at=112.0)
    old = LinkFault(100.0, 10.0, "hand", ended_at=20.0)
    there = LinkFault(20.0, 50.0, "hand", lost=30)
    for_a_moment = LinkFault(100.0, 105.0, "hand", ended_at=106.0, lost=4)
    sides = {
        f"{link}/{direction}": side(fault)
        for link, fault in {
            "caller/home": mine,
            "callee/office": old,
            "server/hosting": there,
            "relay1/inner": for_a_moment,
            "relay2/inner": None,
        }.items()
        for direction in ("out", "in")
    }
    found = {watch.place: watch for watch in others_faults(sides, own, began_at)}
    assert found.keys() == {"server/hosting", "relay1/inner"}
    hosting, inner = found["server/hosting"], found["relay1/inner"]
    assert (hosting.kind, hosting.loss_pct, hosting.lost) == ("loss", 20.0, 60)
    assert (hosting.began_at, hosting.ended_at, hosting.asked_at_s) == (50.0, None, None)
    assert (inner.kind, inner.past, inner.loss_pct) == ("down", "down", None)
    assert (inner.began_at, inner.ended_at, inner.by, inner.lost) == (105.0, 106.0, "hand", 8)


def test_nodes_that_ran_again_before_anybody_looked_are_seen() -> None:
    told = [
        (1.0, NodeState("relay1", "relay", "paused")),
        (2.5, NodeState("relay1", "relay", "running")),
        (3.0, NodeState("web", "web", "exited", 137)),
        (4.0, NodeState("relay2", "relay", "exited", 137)),
        (6.0, NodeState("relay2", "relay", "running")),
        (7.0, NodeState("pbx", "pbx", "paused")),
        (8.0, NodeState("relay3", "relay", "exited", 137)),
        (9.0, NodeState("relay3", "relay", "running")),
    ]
    found = [(w.kind, w.node, w.began_at, w.ended_at) for w in whole_again(told, {"relay3"})]
    # One that is still dead is found when the call is over.
    assert found == [
        ("pause", "relay1", 1.0, 2.5),
        ("kill", "relay2", 4.0, 6.0),
        ("pause", "pbx", 7.0, None),
    ]


def test_what_starts_again_with_a_machine_that_the_call_killed_is_not_broken_by_others() -> None:
    faults = [replace(KILLED, node="server"), replace(KILLED, kind="pause", node="relay1"), ASKED]
    guests = {"pbx", "pbx-media", "web", "mumble", "turn"}
    assert broken_by_call(paper(), faults) == {"server", *guests, "relay1"}
    paused = replace(KILLED, kind="pause", node="server")
    assert broken_by_call(paper(), [paused]) == {"server"}, "its guests go on"
