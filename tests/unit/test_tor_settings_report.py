"""Reports of networks whose Tor is varied: versions, congestion control, Conflux."""

from __future__ import annotations

import json

import pytest
from report_runs import call, report_on, text_of

from lab.measure.record import CallRecord
from lab.report.paper import STUDY, scenario
from lab.sweep.point import Point


def over(method: str = "v-tor", **keys: str) -> Point:
    return Point(method, **{f"topology.{key}": json.dumps(value) for key, value in keys.items()})


OLD = over(**{"tor.version": "0.4.5"})
NEW = over(**{"tor.version": "0.4.9", "tor.conflux": "latency"})
MURMUR = over("m-tor", **{"tor.version": "0.4.5"})


def made(point: Point, number: int, mos: float, **columns: object) -> CallRecord:
    old = point != NEW
    told: dict[str, object] = {
        "tor_client": "0.4.5.16" if old else "0.4.9.11",
        "tor_guard": "0.4.5.16" if old else "0.4.9.11",
        "tor_middle": "0.4.9.11",
        "tor_exit": "0.4.9.11",
        "consensus": {} if old else {"cc_alg": 2.0},
        "conflux": None if old else "latency",
        "circuit_leg_bytes": {} if old else {"a b e": 300.0, "c d e": 100.0},
        "circuit": "a b e",
        "callee_owd_ms_p50": 200.0 + number,
    }
    told["tors"] = {"caller": told["tor_client"]}
    return call(point, number, mos, **{**told, **columns})


CALLS = [
    made(point, number, mos)
    for point, mos in ((OLD, 3.8), (NEW, 2.9), (MURMUR, 4.4))
    for number in (1, 2)
]


def test_each_network_stands_with_what_its_tors_told() -> None:
    report = report_on([OLD, NEW, MURMUR], CALLS, None)
    old, new, murmur = report.data["tor_networks"]
    assert old["versions"] == "0.4.5.16 / 0.4.5.16 0.4.9.11"
    assert new["versions"] == "0.4.9.11 / 0.4.9.11"
    assert (old["congestion_control"], new["congestion_control"]) == ("nothing", "vegas")
    assert (old["conflux"], new["conflux"]) == ("not known to it", "latency")
    assert new["less_used_share"]["estimate"] == pytest.approx(0.25)
    assert old["less_used_share"]["n"] == 0
    assert (old["good_share"]["estimate"], new["good_share"]["estimate"]) == (1.0, 0.0)
    assert old["callee_owd_ms"]["estimate"] == pytest.approx(201.5)
    assert murmur["study"] is None


def test_the_study_stands_beside_what_it_has_measured() -> None:
    report = report_on([OLD, NEW, MURMUR], CALLS, None)
    old, new, murmur = report.data["tor_networks"]
    paper = scenario("v-tor", both=False, hops=3)
    assert paper is not None
    assert paper.pesq is not None
    assert old["study"]["pesq"]["value"] == paper.pesq.value
    assert (old["agreement"], new["agreement"], murmur["agreement"]) == ("agrees", "differs", None)
    told = " ".join(text_of(report).split())
    assert "What the Tors told" in told
    assert f"{STUDY}'s figures are of its calls through the public Tor network" in told
    assert " 3.81 agrees " in told
    assert "n = 2" in told


def test_invalid_calls_enter_no_mean_and_are_counted() -> None:
    calls = [*CALLS, made(OLD, 3, 1.0, valid=False, invalid_reasons=["the Tor of a is another"])]
    old, *_ = report_on([OLD, NEW, MURMUR], calls, None).data["tor_networks"]
    assert (old["counts"]["valid"], old["counts"]["invalid"]) == (2, 1)
    assert old["callee_mos"]["estimate"] == pytest.approx(3.8)


def test_a_run_that_varies_no_tor_has_no_such_section() -> None:
    point = over(**{"tor.circuit": "a"})
    report = report_on([point], [made(point, 1, 4.0)], None)
    assert "tor_networks" not in report.data
