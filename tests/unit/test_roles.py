"""A role is one value: whatever lists, checks, renders, shows or examines nodes knows it at once.

Here a "beacon" is defined as a module of `lab.roles` would, and looked for everywhere.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import IPv4Network
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from rich.table import Table

from lab import checkout
from lab.cli.schema import command as schema_command
from lab.cli.status import nodes_table, told
from lab.engine.discovery import RunningLab, RunningNode
from lab.engine.doctor import State, program_finding, programs_told
from lab.images import context, programs
from lab.lazy import Lazy
from lab.lifecycle.pbx_choice import PbxChoice
from lab.lifecycle.plan import Plan, plan_lab
from lab.lifecycle.servers import awaited_servers
from lab.lifecycle.status import describe
from lab.render.owner import Owner
from lab.render.project import render_project
from lab.render.secrets import LabSecrets, generate_secrets
from lab.render.services import BESIDE
from lab.role import (
    WHEN_ROUTED,
    Component,
    Program,
    Report,
    Role,
    SecretKind,
    ServerSocket,
    UsersImage,
)
from lab.roles import ROLES
from lab.topology.draft import Draft
from lab.topology.load import find_topology, parse_topology, read_topology
from lab.topology.mistakes import Mistake, TopologyError
from lab.topology.model import Node, PbxKind, Topology
from lab.wire.listening import HANDSHAKE, AwaitHandshake, Listening
from lab.wire.network import READING, LinkRate, MachineLink, MachineNetwork, NetworkInForce
from lab.wire.shape import Shape

BLOCK = IPv4Network("10.128.0.0/20")
PAPER = find_topology("paper").read_text()
WITH_BEACON = f"{PAPER}\n  lighthouse: {{role: beacon, on: server, extension: 1010}}\n"


def files(topology: Topology, node: Node, secrets: LabSecrets) -> dict[str, bytes]:
    """What a module of `lab.render` would hold."""
    password = secrets.password("light", node.name)
    return {"beacon.conf": f"lab {topology.lab}, light {password}\n".encode()}


def needs_a_web_server(draft: Draft) -> Iterator[Mistake]:
    for name in draft.with_role("beacon"):
        if not draft.with_role("web"):
            yield Mistake(("nodes", name), "shines on nothing; give it a node with `role: web`")


BEACON = Role(
    name="beacon",
    description="seen from afar",
    position=75,
    programs=(
        Program(
            image="beacon",
            command=(*WHEN_ROUTED, "beacond", "--bright"),
            files=(Lazy(__name__, "files"),),
            writable=("/var/lib/beacon",),
            socket=lambda _: ServerSocket("tcp", 4711),
            components=(Component("beacon-daemon", "GPL 3"),),
            users_image=UsersImage("BEACON_IMAGE", "sea/beacon:1", "it shines", "it is dark"),
        ),
    ),
    is_guest=True,
    is_single=True,
    keys=("extension",),
    check=needs_a_web_server,
    secrets=lambda _topology, _node: {"light": SecretKind.PASSWORD},
    sees_calls=True,
    reports=(
        Report(
            section="beacon",
            title="Beacon",
            file="beacon.conf",
            dialogue=HANDSHAKE,
            order=lambda node: AwaitHandshake(node, 1.0),
            answer=Listening,
            plain=lambda listening: {"tls": listening.tls},
            sentence=lambda answer: f"shines with {answer['tls']}",
            unanswered="is dark",
        ),
    ),
)


@pytest.fixture(autouse=True)
def beacon() -> Iterator[Role]:
    with ROLES.having(BEACON) as role:
        yield role


@pytest.fixture
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    file = tmp_path_factory.mktemp("topology") / "coast.yaml"
    file.write_text(WITH_BEACON)
    return plan_lab(read_topology(file), "coast", BLOCK, PbxChoice(PbxKind.KAMAILIO, "test"))


def test_the_schema_has_it() -> None:
    schema = json.loads(CliRunner().invoke(schema_command, []).stdout)
    node = schema["$defs"]["RawNode"]["properties"]
    assert node["role"]["enum"].index("beacon") == node["role"]["enum"].index("web") - 1
    assert "beacon (seen from afar)" in node["role"]["description"]
    assert (
        "only for endpoint, pbx, mumble-server, turn, beacon and web" in node["on"]["description"]
    )
    assert "only for endpoint and beacon" in node["extension"]["description"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("beacon, on: server", "beacon, tor: true, on: server"), "only for nodes with the role"),
        (("beacon, on: server", "beakon, on: server"), "did you mean 'beacon'?"),
        (("  web:\n    role: web\n    on: server\n", ""), "shines on nothing"),
        (("lighthouse", "second: {role: beacon, on: server}\n  lighthouse"), "a second beacon"),
    ],
)
def test_a_topology_is_checked_for_it(change: tuple[str, str], message: str) -> None:
    parse_topology(WITH_BEACON)
    assert change[0] in WITH_BEACON
    with pytest.raises(TopologyError, match=message.replace("?", r"\?")):
        parse_topology(WITH_BEACON.replace(*change, 1))


def test_the_project_runs_it(plan: Plan) -> None:
    secrets = generate_secrets(plan.topology)
    project = render_project(plan.topology, plan.source, secrets, plan.images, Owner(7, 8))
    service = yaml.safe_load(project.files["compose.yaml"])["services"]["lighthouse"]
    assert service["image"] == plan.images["beacon"] == "sea/beacon:1"
    assert (service["entrypoint"], service["network_mode"]) == (["python3"], "service:server")
    assert service["command"][-2:] == ["beacond", "--bright"]
    assert "/var/lib/beacon:uid=7,gid=8,mode=0700" in service["tmpfs"]
    assert "./calls:/calls" in service["volumes"]
    password = secrets.passwords["light"]["lighthouse"]
    written = project.files["nodes/lighthouse/beacon.conf"]
    assert written == f"lab coast, light {password}\n".encode()
    assert str(awaited_servers(plan.topology)["server"]["lighthouse"]) == "listen on tcp port 4711"


def test_status_shows_it() -> None:
    node = RunningNode("lighthouse", "beacon", "c0ffee", "running", None, "sea/beacon:1")
    lab = RunningLab("coast", "paper", "", BLOCK, (node,))
    answers: dict[tuple[str, str], Any] = {("beacon", "lighthouse"): {"tls": "TLSv1.3"}}
    state = describe(lab, {}, {}, answers, [])
    assert state["beacon"] == {"lighthouse": {"tls": "TLSv1.3"}}
    assert [(row["node"], row["role"]) for row in state["nodes"]] == [("lighthouse", "beacon")]
    assert "beacon" in column(nodes_table(state), 1)
    assert [str(line) for line in told(state)] == ["Beacon at lighthouse: shines with TLSv1.3"]
    state["beacon"]["lighthouse"] = None
    assert [str(line) for line in told(state)] == ["Beacon at lighthouse: is dark"]


def test_status_shows_places_delay_lines_and_what_ways_take() -> None:
    line = RunningNode("the delay line of a", "delay-line", "f", "exited", 137, "", "")
    nodes = tuple(RunningNode(n, "endpoint", n, "running", None, "x:1", "") for n in ("a", "b"))
    lab = RunningLab("far", "far", "", BLOCK, nodes, {"a": line})
    late = Shape(delay_ms=20)
    links = [
        MachineLink("n", ip, BLOCK, ip, s, None) for ip, s in ((BLOCK[2], late), (BLOCK[3], None))
    ]
    configured = {
        name: MachineNetwork(name, "cubic", (link,), (), None, place)
        for name, link, place in zip("ab", links, ("Paris", None), strict=True)
    }
    state = describe(lab, configured, {}, {}, [])
    assert state["delay_lines"] == {"a": "exited"}
    assert [node["place"] for node in state["nodes"]] == ["Paris", None]
    [link] = state["nodes"][0]["links"]
    assert (link["way_configured"], link["way_in_force"]) == ("delay 20 ms", None)
    table = nodes_table(state)
    assert column(table, 2) == ["Paris", ""]
    assert column(table, -1) == ["unknown (configured: delay 20 ms)", ""]
    rate = LinkRate("n", BLOCK[2], "eth0", None, None, None, late.way, late.way)
    shown = {"a": NetworkInForce("a", (rate,), None, ("cubic",), True)}
    assert column(nodes_table(describe(lab, configured, shown, {}, [])), -1) == ["delay 20 ms", ""]


def column(table: Table, number: int) -> list[str]:
    return [str(cell) for cell in table.columns[number].cells]


def test_doctor_looks_at_it() -> None:
    (program,) = [program for program in programs_told() if program.image == "beacon"]
    here = program_finding(program, "sea/beacon:1", {"beacon-daemon": "4.2"})
    assert (here.name, here.state) == ("beacon", State.OK)
    assert here.detail == "beacon-daemon 4.2 (GPL 3) in sea/beacon:1; it shines"
    absent = program_finding(program, "sea/beacon:1", None)
    assert (absent.state, absent.detail) == (State.NOTE, "sea/beacon:1 is not here; it is dark")
    assert "BEACON_IMAGE" in absent.hint


def test_a_user_cannot_write_what_the_lab_adds_itself() -> None:
    added = replace(BEACON, name="echo", position=76, is_written=False)
    with ROLES.having(added), pytest.raises(TopologyError, match="'echo' is not one of"):
        parse_topology(WITH_BEACON.replace("role: beacon", "role: echo"))


def test_every_role_of_the_lab_has_an_image_and_every_image_a_role() -> None:
    built = {
        program.image for role in ROLES for program in role.programs if program.users_image is None
    }
    assert built | set(BESIDE) == set(context.roles()) - {context.BASE_ROLE}


def test_an_image_has_the_programs_that_its_role_names() -> None:
    """`programs.txt` says what is put into an image, the role what is started in it."""
    for role in ROLES:
        for program in role.programs:
            if program.users_image:
                continue
            named = programs.named_programs(checkout.IMAGES / program.image / "programs.txt")
            wanted = [w.removeprefix("lab.agents.") for w in program.command if "lab.agents" in w]
            wanted += [report.dialogue.program for report in role.reports]
            if not role.is_guest or role.is_written:
                wanted.append(READING.program)
            assert set(wanted) <= set(named), program.image


def test_a_topology_may_name_every_exchange_there_is() -> None:
    exchanges = {program.image for program in ROLES.all["pbx"].programs}
    schema = json.loads(CliRunner().invoke(schema_command, []).stdout)
    assert exchanges == set(PbxKind)
    assert {"auto", *exchanges} == set(schema["properties"]["pbx"]["enum"])


def test_to_know_every_role_loads_neither_templates_nor_keys_nor_docker() -> None:
    heavy = "{'docker', 'jinja2', 'cryptography', 'pydantic', 'lab.agents'}"
    ask = f"import sys; from lab.roles import ROLES; list(ROLES); print({heavy} & {{*sys.modules}})"
    done = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
