"""A method is one module: everything that lists, names or checks methods follows from it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest
from click.testing import CliRunner
from report_runs import call, report_on, text_of
from test_topology_resolve import BLOCK

from lab.calls.method import Method
from lab.calls.methods import METHODS
from lab.calls.needs import ENDS, TOR_CLIENT, TURN
from lab.checkout import EXPERIMENTS
from lab.cli.call import command
from lab.errors import LabError
from lab.registry import Registry
from lab.sweep.experiment import parse_experiment
from lab.sweep.grammar import experiment_schema
from lab.sweep.plan import make_plan
from lab.sweep.point import Point
from lab.topology.load import find_topology, parse_topology
from lab.topology.model import PbxKind, Topology
from lab.topology.resolve import resolve

TIN_CAN = replace(
    METHODS.named("sip"),
    name="tin-can",
    system="two tins and a string",
    description="a string from ear to ear",
    position=35,
    needs=(ENDS, TOR_CLIENT),
)
"""A method that is registered for one test."""


@pytest.fixture
def methods() -> Iterator[Registry[Method]]:
    with METHODS.having(TIN_CAN):
        yield METHODS


def test_a_method_is_in_the_help_of_calls(methods: Registry[Method]) -> None:
    shown = CliRunner().invoke(command, ["--help"], prog_name="lab call").output
    assert "sip|vpn|v-tor|tin-can|mumble|m-tor" in "".join(shown.split())
    assert "tin-can  a string from ear to ear" in shown


def test_a_method_is_in_the_schema_of_experiments(methods: Registry[Method]) -> None:
    schema = experiment_schema()["$defs"]["RawGrid"]["properties"]["method"]
    names = ["sip", "vpn", "v-tor", "tin-can", "mumble", "m-tor", "v-onion", "m-onion"]
    names += ["webrtc", "w-tor"]
    assert schema["items"]["enum"] == names


def test_a_method_is_planned_called_and_reported(methods: Registry[Method]) -> None:
    text = "name: tins\ncalls: 2\ngrid:\n  method: [m-tor, tin-can]\n"
    experiment = parse_experiment(text, "tins.yaml", EXPERIMENTS)
    points = make_plan(experiment).points
    assert [point.point_id for point in points] == [
        "m-tor.OPUS.to-callee",
        "tin-can.PCMU.to-callee",
    ]
    calls = [call(point, n, kbps_exit_eth=70.0 + n) for point in points for n in (1, 2)]
    told = text_of(report_on(points, calls, None))
    assert told.index("two tins and a string") < told.index("M-Tor"), "in the methods' order"
    assert "on the last hop to the server, Ethernet" in told
    beside_paper = text_of(report_on(points[1:], calls[2:], 1))
    assert "two tins and a string: the paper" not in beside_paper, "it has no row there"


def test_what_is_read_of_a_method_that_is_gone_keeps_its_name() -> None:
    with METHODS.having(TIN_CAN):
        point = Point("tin-can").normalised()
        calls = [call(point, n, kbps_exit_eth=80.0) for n in (1, 2)]
        report = report_on([point], calls, None)
        assert "two tins and a string" in text_of(report)
    assert "tin-can" in text_of(report_on([point], calls, None))


def test_everything_a_method_names_is_there() -> None:
    for method in METHODS:
        assert callable(method.way.load().plan)
        assert callable(method.talkers.conversation.load())


@pytest.mark.parametrize("what", ["lab.calls.methods", "lab.report.systems"])
def test_a_list_of_methods_loads_nothing_that_calls_use(what: str) -> None:
    code = (
        f"import sys, {what}; from lab.calls.methods import METHODS; list(METHODS);"
        "print(*(name for name in ('docker', 'numpy', 'scipy', 'pydantic', 'jinja2')"
        " if name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def changed(*changes: tuple[str, str]) -> Topology:
    text = find_topology("paper").read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return resolve(parse_topology(text), "default", BLOCK, PbxKind.KAMAILIO)


KAMAILIO = PbxKind.KAMAILIO
NO_VPN = (("    vpn: true\n", ""), ("role: vpn-server", "role: router"))
NO_TURN = (("  turn:\n    role: turn\n    on: server\n", ""),)
BY_THE_PBX = "  callee:\n    role: endpoint\n    on: server\n"
HIDES_NOBODY = (("    tor: true\n", ""), ("    vpn: true\n", ""))
BESIDE = (("      hosting: {rate: 100mbit}\n      office", "      home: {}\n      office"),)


TO_SERVICES = ("v-onion", "m-onion")
"""What no topology carries whose servers are no onion services."""
TO_ADDRESSES = [method for method in METHODS if method.name not in TO_SERVICES]


@pytest.mark.parametrize("method", TO_ADDRESSES, ids=lambda method: method.name)
def test_the_papers_topology_carries_every_method(method: Method) -> None:
    method.check_topology(changed())


@pytest.mark.parametrize("name", ["onion", "world-onion"])
def test_a_topology_with_onion_services_carries_every_method_but_webrtcs(name: str) -> None:
    topology = resolve(parse_topology(find_topology(name).read_text()), name, BLOCK, KAMAILIO)
    for method in METHODS:
        if TURN not in method.needs:
            method.check_topology(topology)


@pytest.mark.parametrize("method", TO_ADDRESSES, ids=lambda method: method.name)
def test_no_host_has_to_stand_between_the_caller_and_its_server(method: Method) -> None:
    method.check_topology(changed(*BESIDE))


@pytest.mark.parametrize(
    ("name", "changes", "said"),
    [
        ("vpn", NO_VPN, "cannot carry vpn: it has no VPN server"),
        ("v-tor", NO_VPN, "cannot carry v-tor: it has no VPN server"),
        ("v-tor", (("    vpn: true\n", ""),), "cannot carry v-tor: caller has no VPN client"),
        ("m-tor", (("    tor: true\n", ""),), "cannot carry m-tor: caller has no Tor client"),
        ("sip", (("  caller:\n", "  ada:\n"),), "it lacks an endpoint called caller or one called"),
        ("m-tor", (("  callee:\n", "  bob:\n"),), "it lacks an endpoint called caller or one"),
        ("sip", (("    extension: 1008\n", ""),), "caller or callee has no extension"),
        ("v-onion", (), "cannot carry v-onion: its VPN server is no onion service"),
        ("m-onion", (), "cannot carry m-onion: its Murmur is no onion service"),
        ("webrtc", NO_TURN, "cannot carry webrtc: it has no TURN server"),
        ("w-tor", (("    tor: true\n", ""),), "cannot carry w-tor: caller has no Tor client"),
    ],
)
def test_a_topology_that_cannot_carry_a_method_is_told_what_it_lacks(
    name: str, changes: tuple[tuple[str, str], ...], said: str
) -> None:
    with pytest.raises(LabError, match="topology paper cannot carry") as caught:
        METHODS.named(name).check_topology(changed(*changes))
    assert said in caught.value.message
    assert caught.value.hint


def test_a_phone_that_binds_its_voice_to_no_address_cannot_share_the_exchanges_machine() -> None:
    sip, apart = METHODS.named("sip"), changed()
    beside = changed(
        *HIDES_NOBODY,
        ("  callee:\n    role: endpoint\n    links:\n      office: {rate: 100mbit}\n", BY_THE_PBX),
    )
    sip.check_callee(sip.codec("L16-16"), apart)
    sip.check_callee(sip.codec("PCMU"), beside)
    with pytest.raises(LabError, match="speaks L16-16, baresip, cannot share the machine of serv"):
        sip.check_callee(sip.codec("L16-16"), beside)


def test_methods_without_a_tunnel_need_no_vpn() -> None:
    topology = changed(*NO_VPN)
    for name in ("sip", "mumble", "m-tor", "webrtc", "w-tor"):
        METHODS.named(name).check_topology(topology)
