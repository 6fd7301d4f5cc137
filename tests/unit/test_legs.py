"""How long the legs of a circuit take, from what the links on its way were set to."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

import pytest

from lab.measure.call.legs import legs_ms
from lab.measure.call.path import EndNotes, Hop, VoicePath
from lab.measure.call.watches import DelayWatch
from lab.wire.links import DelayCounts
from lab.wire.shape import Shape, Way

CALLER, GUARD, EXIT, SERVER = (IPv4Address(f"10.0.0.{number}") for number in (2, 3, 4, 5))


def path(*circuit: str) -> VoicePath:
    """Over a guard and an exit to the server, behind which the PBX is."""
    server = Hop("server", SERVER)
    return VoicePath(
        caller=EndNotes("caller", CALLER, CALLER, "access"),
        callee=EndNotes("callee", CALLER, CALLER, "callee"),
        hops=(Hop("paris", GUARD), Hop("oslo", EXIT), server, Hop("pbx", SERVER)),
        server=server,
        exit_machine="oslo",
        circuit=circuit,
    )


def watch(point: str, shape: Shape) -> DelayWatch:
    return DelayWatch(point, shape, DelayCounts(0, 0, 0, 0, 0, 10, {}))


def ways(**delays_ms: float) -> tuple[Way, ...]:
    addresses = {"guard": GUARD, "exit": EXIT, "server": SERVER}
    return tuple(Way(IPv4Network(addresses[name]), ms) for name, ms in delays_ms.items())


def test_each_leg_takes_what_sender_and_receiver_add_by_where_it_goes() -> None:
    delays = [
        watch("caller/world/out", Shape(ways=ways(guard=40.0, exit=99.0))),
        watch("paris/world/in", Shape(delay_ms=2.0)),
        watch("paris/world/out", Shape(delay_ms=1.0, ways=ways(exit=15.0))),
        watch("oslo/other/out", Shape(ways=ways(guard=7.0))),
        watch("oslo/world/out", Shape(ways=ways(server=50.0))),
    ]
    found = legs_ms(path("paris", "oslo"), delays)
    assert found == pytest.approx({"caller-paris": 42.0, "paris-oslo": 16.0, "oslo-server": 50.0})
    assert list(found) == ["caller-paris", "paris-oslo", "oslo-server"]


def test_links_that_take_no_time_make_legs_of_none() -> None:
    assert set(legs_ms(path("paris", "oslo"), []).values()) == {0.0}


def test_a_call_without_a_circuit_has_no_legs() -> None:
    assert legs_ms(path(), []) == {}
    assert legs_ms(None, []) == {}
