"""Every demonstration: what it takes, and what it makes of the figures of its calls."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from demo_person import record
from talker import speak, wav

from lab.demo import cliff
from lab.demo.attempts import ARRIVED, Target, Try
from lab.demo.demonstration import Demonstration, NotShownError
from lab.demo.demonstrations import DEMONSTRATIONS, bypass, choke, distance, hops, names
from lab.demo.demonstrations import whose_number as whose
from lab.demo.labs import check_needs
from lab.errors import LabError
from lab.measure.score import score
from lab.topology.load import find_topology, load_topology
from lab.topology.model import PbxKind, Topology
from lab.topology.resolve import resolve


def topology(name: str) -> Topology:
    block = IPv4Network("10.77.16.0/20")
    return resolve(load_topology(find_topology(name)), name, block, PbxKind.KAMAILIO)


def test_those_that_were_promised_are_there() -> None:
    assert set(DEMONSTRATIONS.all) == {
        "unwrap", "choke", "distance", "hops", "bypass", "whose-number",
    }  # fmt: skip


def test_names_are_known_without_loading_any() -> None:
    assert names() == sorted(DEMONSTRATIONS.all)


@pytest.mark.parametrize("each", [*DEMONSTRATIONS], ids=lambda each: each.name)
def test_each_asks_something_that_its_topology_can_answer(each: Demonstration) -> None:
    question = each.prediction
    assert len(question.choices) >= 3
    assert len(set(question.choices)) == len(question.choices)
    assert each.expected in range(len(question.choices))
    assert question.text.endswith("?")
    assert all(choice.endswith(".") for choice in question.choices)
    assert "/" not in each.name
    check_needs(each, topology(each.topology))


def test_a_topology_that_lacks_something_is_told_with_what_to_run() -> None:
    with pytest.raises(LabError, match="topology paper is none for the demonstration hops") as told:
        check_needs(hops.DEMONSTRATION, topology("paper"))
    assert "`lab up world`" in told.value.hint
    assert "`lab demo hops --up`" in told.value.hint
    with pytest.raises(LabError, match="its links take time already"):
        check_needs(distance.DEMONSTRATION, topology("world"))


# choke


def tried(*calls: tuple[int, float | None]) -> list[cliff.Tried]:
    return [cliff.Tried(rate_kbps, mos) for rate_kbps, mos in calls]


def test_the_cliff_is_between_the_lowest_good_rate_and_the_highest_broken_one() -> None:
    calls = tried((600, 4.4), (420, 1.3), (510, 4.1))
    assert cliff.cliff_of(calls) == cliff.Cliff(good_kbps=510, broken_kbps=420)
    assert cliff.cliff_of(calls).share_kbps == pytest.approx(93)
    assert cliff.cliff_of(tried((600, 4.4))).share_kbps is None
    upside_down = tried((600, 1.2), (500, 4.4))
    assert cliff.cliff_of(upside_down) == cliff.Cliff(None, 600)


def test_a_call_that_could_not_be_made_is_no_good_one() -> None:
    assert [each.good for each in tried((100, None), (100, 3.0), (100, 3.1))] == [
        False, False, True,
    ]  # fmt: skip


@pytest.mark.parametrize("cliff_kbps", [330, 480, 620, 800])
def test_the_rates_that_are_proposed_close_in_on_the_cliff(cliff_kbps: int) -> None:
    even_kbps = 600.0
    calls: list[cliff.Tried] = []
    for _ in range(choke.TRIED):
        rate_kbps = cliff.next_rate(calls, even_kbps)
        assert rate_kbps not in [each.rate_kbps for each in calls]
        calls.append(cliff.Tried(rate_kbps, 4.4 if rate_kbps >= cliff_kbps else 1.2))
    found = cliff.cliff_of(calls)
    assert found.good_kbps is not None
    assert found.broken_kbps is not None
    assert found.broken_kbps < cliff_kbps <= found.good_kbps
    assert found.good_kbps - found.broken_kbps < 0.3 * even_kbps


def test_a_rate_that_a_person_chose_far_away_is_followed_by_one_near_the_cliff() -> None:
    assert cliff.next_rate(tried((50_000, 4.4)), 600) == 600
    assert cliff.next_rate(tried((120, 1.1)), 600) == 600
    assert cliff.next_rate(tried((50_000, 4.4), (120, 1.1)), 600) == 600
    assert cliff.next_rate(tried((110, 4.4)), 600) == cliff.SLOWEST_KBPS


@pytest.mark.parametrize(
    ("calls", "came"),
    [
        (tried((600, 4.4), (420, 1.3), (510, 4.1)), 2),
        (tried((150, 4.4), (110, 1.3)), 1),
        (tried((600, 4.4), (200, 4.4)), 3),
        (tried((600, 4.4)), None),
        (tried((600, 1.3), (840, 1.2)), 0),
        (tried((600, 1.3)), None),
        (tried((1500, 4.4), (1400, 1.2)), None),
        ([], None),
    ],
)
def test_which_prediction_came_true(calls: list[cliff.Tried], came: int | None) -> None:
    assert choke.came_of(calls, cost_kbps=119) == came


@pytest.mark.parametrize(("share", "right"), [(119, 2), (95, 2), (1600, 0), (24, 3)])
def test_the_downloads_that_a_share_leaves_room_for(share: int, right: int) -> None:
    closing = choke._closing(cliff.Cliff(good_kbps=5 * share + 5, broken_kbps=5 * share - 5))
    assert closing.right == right
    assert choke._closing(cliff.Cliff(600, None)).right is None


# whose-number


def test_no_wrong_recording_is_believed_and_a_piece_of_the_call_is_praised(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(whose, "STRETCHES", 2)
    clip = wav(speak(1, 15.0))
    recording = wav(np.concatenate([np.zeros(1600), clip.samples[:, 0]]))
    wrong = whose.wrong_recordings(clip, recording, wav(speak(2, 24.0)))
    assert len(wrong) == 4
    heard = [
        whose.Heard(name, audio, score(clip, audio))
        for name, audio in {whose.THE_CALL: recording, **wrong}.items()
    ]
    assert [each.score.valid for each in heard] == [True, False, False, False, False]
    assert heard[1].mos > 4, "the call broken off: what there is of it is perfect"
    closing = whose._closing(heard)
    assert (closing.right, closing.lesson) == (1, 1)
    assert whose._closing([heard[1]]).right == 2, "nothing that is praised is believed"
    assert whose._closing([heard[0]]).right is None, "one recording decides nothing"


# hops


def over(hops_: int, delay_ms: float, **values: Any) -> Any:
    circuit = " ".join(["stockholm", "montreal", "tokyo"][:hops_])
    return record(
        circuit=circuit, circuit_seen=circuit, caller_owd_ms_p50=delay_ms,
        callee_owd_ms_p50=delay_ms + 10, legs_ms={"caller-stockholm": 70.0}, **values,
    )  # fmt: skip


def pair(extra_ms: float) -> hops.Pair:
    return hops.Pair(over(2, 200.0), over(3, 200.0 + extra_ms))


@pytest.mark.parametrize(
    ("extras", "came"),
    [((3, 130), 2), ((-20, 90), 2), ((2, -3), 1), ((90, 100), 0), ((30, 40), None)],
)
def test_what_the_third_relay_cost(extras: tuple[float, float], came: int | None) -> None:
    assert hops.came_of([pair(extra) for extra in extras]) == came


def test_two_relays_link_the_ends_of_a_circuit_of_two() -> None:
    closing = hops._closing([pair(1), pair(2)])
    assert (closing.right, closing.lesson) == (1, 1)
    unseen = hops.Pair(over(2, 1.0), over(3, 1.0))
    unseen.short.circuit_seen = None
    assert hops._closing([unseen]).right is None


def test_a_delay_that_was_not_measured_shows_nothing() -> None:
    with pytest.raises(NotShownError, match="was not measured"):
        hops.delay_ms(record())


def test_what_hops_comes_to_names_what_was_measured() -> None:
    shown = hops._shown([pair(3.0), pair(130.0)])
    assert shown.came == hops.DEMONSTRATION.expected
    assert "tokyo made voice 3 ms later, tokyo 130 ms later." in shown.findings
    assert [row[0] for row in shown.tables[0].rows] == [
        "stockholm → montreal", "stockholm → montreal → tokyo",
    ] * 2  # fmt: skip


# distance

NEAR = distance.Heard(5.0, 1.0, 1.0, 0.0)


def away(beyond_ms: float, burst: float, loss_pct: float = 0.0) -> distance.Heard:
    return distance.Heard(5.0 + distance.WAY_MS + beyond_ms, burst, 20.0, loss_pct)


@pytest.mark.parametrize(
    ("far", "came"),
    [
        (away(70, 3.2), 1),
        (away(2, 1.0), 0),
        (away(70, 1.0), None),
        (away(2, 3.0), None),
        (away(70, 3.2, loss_pct=4.0), 2),
    ],
)
def test_what_the_distance_did(far: distance.Heard, came: int | None) -> None:
    assert distance.came_of(NEAR, far) == came


@pytest.mark.parametrize(("eager_ms", "right"), [(1.0, 2), (35.0, 1), (69.0, 0)])
def test_how_much_of_it_was_held_back(eager_ms: float, right: int) -> None:
    gone = distance.share_gone(NEAR, away(70, 3.2), away(eager_ms, 1.0))
    assert distance._closing(gone).right == right


def test_where_nothing_came_on_top_no_share_of_it_is_gone() -> None:
    assert distance.share_gone(NEAR, away(2, 1.0), away(2, 1.0)) is None
    assert distance._closing(None).right is None


def test_the_way_is_that_of_the_cities() -> None:
    assert (distance.ACCESS_MS, distance.SERVER_MS) == (60.0, 46.0)
    lab: Any = SimpleNamespace(topology=topology("paper"))
    assert {str(point): ms for point, ms in distance.ways_of(lab).items()} == {
        "caller/home/out": 60.0, "caller/home/in": 60.0,
        "server/hosting/out": 46.0, "server/hosting/in": 46.0,
    }  # fmt: skip


def test_what_distance_comes_to_names_what_was_measured() -> None:
    def call(delay_ms: float, burst: float, jitter_ms: float) -> Any:
        ends = {
            f"{end}_{name}": value
            for end in ("caller", "callee")
            for name, value in {
                "owd_ms_p50": delay_ms, "burst_mean": burst, "jitter_mean": jitter_ms,
                "loss_pct": 0.0, "pesq_mos": 4.3,
            }.items()
        }  # fmt: skip
        return record(**ends)

    shown = distance._shown(call(4, 1.0, 1), call(190, 3.4, 28), call(112, 1.0, 2))
    assert shown.came == distance.DEMONSTRATION.expected
    assert shown.closing.right == shown.closing.lesson
    assert "voice came 186 ms later, 3.4 packets at a time" in shown.findings[0]
    assert "98% of the 80 ms on top" in shown.findings[1]


# bypass

SERVER = Target(bypass.SERVER, IPv4Address("10.77.20.3"), 64738)
WORLD = Target(bypass.WORLD, bypass.OUTSIDE, 64738)
REFUSED = Try(SERVER, "TCP", "No route to host")


@pytest.mark.parametrize(
    ("tries", "past_tor", "valid", "came"),
    [
        ([REFUSED, Try(WORLD, "UDP", "Network is unreachable")], 0, True, 2),
        ([REFUSED, Try(SERVER, "UDP", ARRIVED)], 1, False, 1),
        ([Try(SERVER, "UDP", ARRIVED)], 1, True, 0),
        ([REFUSED], 3, False, 1),
        ([Try(WORLD, "UDP", "Network is unreachable")], 0, True, None),
    ],
)
def test_what_became_of_packets_past_tor(
    tries: list[Try], past_tor: int, valid: bool, came: int | None
) -> None:
    assert bypass.came_of(tries, bypass.Seen(900, past_tor), valid) == came


def test_what_bypass_comes_to_names_what_was_tried() -> None:
    sent = replace(REFUSED, outcome=ARRIVED)
    rounds = {
        "before the call": (sent,),
        "during the call": (REFUSED, REFUSED),
        "after the call": (sent,),
    }
    call = record(circuit="authority relay1 relay2")
    faults = ["700 packets went to server's machine past Tor"]
    shown = bypass._shown(call, call, rounds, bypass.Seen(900, 0), bypass.Seen(0, 700), faults)
    assert shown.came == bypass.DEMONSTRATION.expected
    assert (shown.closing.right, shown.closing.lesson) == (0, 0)
    assert "2 packets were sent straight to the server; 0 had a way" in shown.findings[0]
    assert "'No route to host' 2 times" in shown.findings[0]
    assert shown.tables[0].rows == (
        (bypass.SERVER, "TCP", "sent (1)", "No route to host (2)", "sent (1)"),
    )
    blind = bypass._shown(call, call, rounds, bypass.Seen(900, 0), bypass.Seen(0, 0), [])
    assert blind.closing.right == 2, "a count that sees nothing proves nothing"


def test_positions_are_different() -> None:
    places = [each.position for each in DEMONSTRATIONS]
    assert all(one < other for one, other in pairwise(places))
