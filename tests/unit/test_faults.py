"""Faults as they are written, checked against a topology, and turned into points and commands."""

from __future__ import annotations

import re
from ipaddress import IPv4Network

import click
import pytest
from click.testing import CliRunner

from lab.checkout import EXPERIMENTS
from lab.cli import app
from lab.cli.dimension_options import dimension_options, point_of
from lab.cli.fault import command
from lab.errors import UsageError
from lab.faults.check import check_faults
from lab.faults.fault import Fault
from lab.faults.kinds import FAULT_KINDS
from lab.faults.notation import format_faults, parse_faults
from lab.sweep.asked import call_plan
from lab.sweep.dimensions.fault import FAULTS, stops_a_node
from lab.sweep.experiment import Experiment, ExperimentError, parse_experiment
from lab.sweep.point import Point
from lab.topology.load import find_topology, load_topology
from lab.topology.model import PbxKind, Topology
from lab.topology.resolve import resolve

DOWN = Fault("down", "caller", "home", at_s=5.0, for_s=2.0)
LOSS = Fault("loss", "server", "hosting", 12.5, 0.5, None)
KILL = Fault("kill", "relay2", at_s=70.0, for_s=3.0)
EXPERIMENT = """
name: outage
topology: paper
grid:
  method: [sip, v-tor]
  fault:
    - none
    - 5s down caller home for 2s
    - [70s kill relay2 for 3s, 500ms loss server hosting 12.5%]
"""


def paper() -> Topology:
    raw = load_topology(find_topology("paper"))
    return resolve(raw, "lab", IPv4Network("10.0.0.0/16"), PbxKind.KAMAILIO)


def parsed(text: str) -> Experiment:
    return parse_experiment(text, "outage.yaml", EXPERIMENTS)


def asked(method: str, words: dict[str, str]) -> Point:
    chosen = [
        option.type.convert(words.get(option.opts[0], option.default), option, None)
        for option in dimension_options()
        if words.get(option.opts[0], option.default) is not None
    ]
    return point_of(method, chosen)


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("5s down caller home for 2s", (DOWN,)),
        (" 5.0s  down caller home for 2000ms ", (DOWN,)),
        ("500ms loss server hosting 12.5%", (LOSS,)),
        ("70s kill relay2 for 3s; 5s down caller home for 2s;", (DOWN, KILL)),
        (
            "0s down caller home for 1s; 1s down caller home",
            (
                Fault("down", "caller", "home", at_s=0.0, for_s=1.0),
                Fault("down", "caller", "home", at_s=1.0),
            ),
        ),
    ],
)
def test_faults_are_read_in_the_order_of_their_times(text: str, faults: tuple[Fault, ...]) -> None:
    assert parse_faults(text) == faults
    assert parse_faults(format_faults(faults)) == faults


def test_there_is_one_way_to_write_them() -> None:
    text = "1m kill relay2 for 3s; 5.0s down caller home for 2000ms"
    assert format_faults(parse_faults(text)) == (
        "5s down caller home for 2s; 60s kill relay2 for 3s"
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "names no fault"),
        ("down caller home", "has 'down', which is not a time"),
        ("5s", "has no fault in '5s'"),
        ("5s dwn caller home", "none of down, loss, kill, pause; did you mean 'down'?"),
        ("5s down caller", "needs down NODE NETWORK, and has 'down caller'"),
        ("5s kill relay2 hosting", "needs kill NODE, and has 'kill relay2 hosting'"),
        ("5s down caller home for", "needs down NODE NETWORK, and has 'down caller home for'"),
        ("5s down caller home for 2", "has '2', which is not a time"),
        ("5s down caller home for 0s", "lasts no time"),
        ("5s down caller home for 2s 3s", "more than a time after for"),
        ("5s loss caller home", "needs loss NODE NETWORK SHARE"),
        ("5s loss caller home 20", "has '20', which is not a share"),
        ("5s loss caller home 100%", "less than 100%, which `down` is"),
        (
            "5s down caller home for 2s; 6s loss caller home 1%",
            "has 6s loss caller home 1% while 5s down caller home for 2s goes on",
        ),
        ("5s pause relay1; 9s pause relay1", "while 5s pause relay1 goes on"),
        ("; ".join(f"{n}s pause relay1 for 100ms" for n in range(21)), "at most 20"),
    ],
)
def test_what_is_no_fault_is_told(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        parse_faults(text)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Fault("kill", "relay9"), "kill relay9: there is no node 'relay9'; did you mean 'relay"),
        (Fault("down", "caller", "hom"), "caller has no link to 'hom'; did you mean 'home'?"),
        (Fault("loss", "relay2", "home", 5.0), "loss relay2 home 5%: relay2 has no link to 'home'"),
    ],
)
def test_what_the_topology_lacks_is_told(fault: Fault, said: str) -> None:
    with pytest.raises(UsageError, match=re.escape(said)):
        check_faults(paper(), [fault])


def test_a_node_on_anothers_machine_has_that_machines_links() -> None:
    (pbx,) = paper().with_role("pbx")
    assert pbx.on
    check_faults(paper(), [Fault("down", pbx.name, paper().machine(pbx.name).links[0].network)])


def test_each_schedule_is_a_point_with_a_name_of_its_own() -> None:
    points = parsed(EXPERIMENT).points
    assert len(points) == 6
    assert [point[FAULTS] for point in points if point.method == "sip"] == [
        None,
        "5s down caller home for 2s",
        "0.5s loss server hosting 12.5%; 70s kill relay2 for 3s",
    ]
    assert {point.point_id for point in points if point.method == "sip"} == {
        "sip.PCMU.to-callee",
        "sip.PCMU.to-callee.5s_down_caller_home_for_2s",
        "sip.PCMU.to-callee.0.5s_loss_server_hosting_12.5%_70s_kill_relay2_for_3s",
    }
    assert [stops_a_node(point) for point in points if point.method == "sip"] == [
        False, False, True,
    ]  # fmt: skip
    assert call_plan(points[-1]).columns["faults_asked"] == points[-1][FAULTS]
    assert "faults_asked" not in call_plan(points[0]).columns


def test_one_schedule_written_in_two_ways_is_one_point() -> None:
    again = EXPERIMENT.replace("- none", '- "5.0s down caller home for 2000ms"')
    assert len(parsed(again).points) == 4


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("caller home for", "caler home for", "there is no node 'caler'; did you mean 'caller'?"),
        ("server hosting", "server home", "server has no link to 'home'"),
        ("5s down", "5s dawn", "has 'dawn', which is none of down"),
        ("none", "[]", "must be a fault such as"),
        ("none", "7", "must be a fault such as"),
    ],
)
def test_a_mistake_in_an_experiment_is_told_with_its_place(
    old: str, new: str, message: str
) -> None:
    with pytest.raises(ExperimentError) as caught:
        parsed(EXPERIMENT.replace(old, new))
    mistake = caught.value.mistakes[0]
    assert mistake.path[:2] == ("grid", "fault")
    assert mistake.line
    assert message in mistake.message


def test_a_fault_that_never_comes_is_refused() -> None:
    with pytest.raises(UsageError, match="never comes in a call of 8 s"):
        asked("sip", {"--fault": "8s pause pbx", "--duration": "8s"})
    assert asked("sip", {"--fault": "7.9s pause pbx", "--duration": "8s"})[FAULTS]


def test_a_single_call_can_have_faults() -> None:
    point = asked("sip", {"--fault": "5s down caller home for 2s"})
    assert point[FAULTS] == "5s down caller home for 2s"
    assert asked("sip", {"--fault": "none"}) == asked("sip", {})
    with pytest.raises(UsageError, match=r"there is no node 'caler'; did you mean 'caller'\?"):
        asked("sip", {"--fault": "5s down caler home"}).check_suits(paper())
    with pytest.raises(click.BadParameter, match="which is none of down, loss, kill, pause"):
        asked("sip", {"--fault": "5s burn caller"})


def test_every_kind_has_a_command_and_one_that_ends_it() -> None:
    assert isinstance(command, click.Group)
    names = {kind.name for kind in FAULT_KINDS} | {kind.ended_by for kind in FAULT_KINDS}
    assert set(command.commands) == names | {"list", "clear"}
    for kind in FAULT_KINDS:
        told = CliRunner().invoke(app, ["fault", kind.name, "--help"])
        assert told.exit_code == 0
        assert kind.description in " ".join(told.output.split())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["down", "caller"], "Missing parameter: network"),
        (["loss", "caller", "home", "100%"], "SHARE: '100%' must be more than 0% and less"),
        (["loss", "caller", "home", "much"], "SHARE: 'much' is not a share"),
        (["kill", "relay2", "--for", "soon"], "--for: 'soon' is not a time"),
        (["pause", "relay2", "--for", "0s"], "--for: a fault lasts some time"),
        (["burn", "relay2"], "No such command 'burn'"),
    ],
)
def test_wrong_use_is_told_before_any_lab_is_looked_for(words: list[str], said: str) -> None:
    with pytest.raises((UsageError, click.UsageError)) as caught:
        command.main(words, standalone_mode=False)
    assert said in (getattr(caught.value, "message", "") or str(caught.value))
