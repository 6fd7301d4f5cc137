"""What bandwidth a call's way had left, in its record; and where that can be asked for."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest
from call_directory import call_notes, make_directory, measured

from lab.calls.method import Method
from lab.calls.methods import METHODS
from lab.cli.call_record import print_record
from lab.cli.output import out
from lab.ends import CALLER
from lab.errors import UsageError
from lab.measure.call.notes import read_notes
from lab.measure.call.tor_notes import CircuitNotes
from lab.measure.call.watches import AvailableWatch
from lab.sweep.asked import call_plan
from lab.sweep.dimensions.available import AVAILABLE, DIMENSION
from lab.sweep.point import Point
from lab.wire.circuits import CircuitState, CircuitStream

SERVER = IPv4Address("10.77.20.3")
RELAYS = ("authority", "relay1", "relay2")
CARRIED = CircuitStream(f"{SERVER}:1194", on_circuit=True, succeeded=True, ended=None)
STATE = CircuitState(RELAYS, built=True, ended=None, build_ms=9.0, streams=(CARRIED,), others=())
LEFT = AvailableWatch(5123.4, 2345.6, "iperf 3.12", circuit=STATE)


def test_a_record_has_both_ways_and_who_measured(tmp_path: Path) -> None:
    circuits = [CircuitNotes(CALLER, RELAYS, {}, STATE, STATE)]
    directory = make_directory(tmp_path, call_notes(available=LEFT, circuits=circuits))
    assert read_notes(directory).available == LEFT
    record = measured(directory)
    assert (record.available_kbps_down, record.available_kbps_up) == (5123.4, 2345.6)
    assert record.versions["iperf3"] == "3.12"
    assert record.available_reason is None
    with out.capture() as shown:
        print_record(record)
    assert "bandwidth left on the circuit, kbit/s: 5123 down, 2346 up" in shown.get()


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"path": RELAYS[::-1]}, "the circuit was relay2-relay1-authority, not"),
        (
            {"streams": (CARRIED, replace(CARRIED, target="10.0.0.9:5201", on_circuit=False))},
            "streams went another way: 10.0.0.9:5201",
        ),
        ({"built": False, "ended": "DESTROYED"}, "the circuit ended: DESTROYED"),
    ],
)
def test_past_the_circuit_there_is_no_figure_and_the_call_stays_as_it_is(
    tmp_path: Path, change: dict[str, Any], why: str
) -> None:
    circuits = [CircuitNotes(CALLER, RELAYS, {}, STATE, STATE)]
    watch = replace(LEFT, circuit=replace(STATE, **change))
    record = measured(make_directory(tmp_path, call_notes(available=watch, circuits=circuits)))
    assert (record.status, record.valid, record.invalid_reasons) == ("ok", True, [])
    assert (record.available_kbps_down, record.available_kbps_up) == (None, None)
    assert record.available_reason and why in record.available_reason
    with out.capture() as shown:
        print_record(record)
    assert "bandwidth left on the circuit: not measured" in shown.get()


def test_one_way_alone_is_shown_with_why_there_is_no_other(tmp_path: Path) -> None:
    circuits = [CircuitNotes(CALLER, RELAYS, {}, STATE, STATE)]
    watch = replace(LEFT, up_kbps=None, reason="it took too long")
    record = measured(make_directory(tmp_path, call_notes(available=watch, circuits=circuits)))
    assert (record.available_kbps_down, record.available_kbps_up) == (5123.4, None)
    with out.capture() as shown:
        print_record(record)
    assert "bandwidth left on the circuit, kbit/s: 5123 down, - up" in shown.get()
    assert "circuit: not measured upwards, it took too long" in shown.get()


def test_nobody_asked_and_nothing_is_said(tmp_path: Path) -> None:
    record = measured(make_directory(tmp_path, call_notes()))
    assert (record.available_kbps_down, record.available_reason) == (None, None)
    with out.capture() as shown:
        print_record(record)
    assert "bandwidth left" not in shown.get()


def test_it_is_asked_for_at_a_point_and_others_keep_their_names() -> None:
    plain, asked = Point("v-tor").normalised(), Point("v-tor", available="on").normalised()
    assert plain[AVAILABLE] == "off"
    assert asked.point_id == f"{plain.point_id}.available"
    assert (call_plan(plain).available, call_plan(asked).available) == (False, True)
    assert DIMENSION.usual == "off"


@pytest.mark.parametrize("method", list(METHODS), ids=lambda method: method.name)
def test_onion_services_take_nothing_but_the_call(method: Method) -> None:
    DIMENSION.check(Point(method.name))
    if method.name not in {"v-onion", "m-onion"}:
        DIMENSION.check(Point(method.name, available="on"))
        return
    with pytest.raises(UsageError, match=f"cannot be measured after calls by {method.name}"):
        DIMENSION.check(Point(method.name, available="on"))
