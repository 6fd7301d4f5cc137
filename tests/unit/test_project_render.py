"""The whole compose project of the shipped topologies: compared with files that were read and run.

Secrets are replaced by fixed ones. After a deliberate change

    python tests/unit/test_project_render.py

writes the files of tests/unit/golden/project anew; read the difference before committing it.
"""

from __future__ import annotations

import json
import shutil
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest
import yaml
from container_privileges import TOPOLOGIES, privileges, project

from lab.lifecycle.pbx_choice import PbxChoice
from lab.lifecycle.plan import Plan, plan_lab
from lab.render import labels
from lab.render.owner import Owner
from lab.render.project import Project, render_project
from lab.render.secrets import LabSecrets
from lab.render.services import delay_service, network_service
from lab.render.tor_keys import RelayKeys, TorKeys
from lab.render.vpn_pki import Credential
from lab.role import SecretKind
from lab.roles import ROLES
from lab.topology.load import find_topology, read_topology
from lab.topology.model import PbxKind

GOLDEN = Path(__file__).parent / "golden" / "project"
BLOCK = IPv4Network("10.128.0.0/20")
OWNER = Owner(10001, 10001)
NAMES = ("paper", "small", "two-hosts")


def plan(name: str, lab: str | None = None, pbx: PbxKind = PbxKind.KAMAILIO) -> Plan:
    made = plan_lab(read_topology(find_topology(name)), lab, BLOCK, PbxChoice(pbx, "test"))
    images = {role: f"voice-tor-lab/{role}:golden" for role in made.images}
    return Plan(made.topology, made.source, images, OWNER, made.pbx)


def known_secrets(of: Plan) -> LabSecrets:
    """Like `generate_secrets`, but the same every time, and recognisable."""
    topology = of.topology
    needed = {
        node.name: needs(topology, node)
        for node in topology.nodes
        if (needs := ROLES.all[node.role].secrets)
    }
    return LabSecrets(
        passwords={
            purpose: {
                name: f"secret-{topology.node(name).extension or name}"
                for name, kinds in needed.items()
                if kinds.get(purpose) == SecretKind.PASSWORD
            }
            for purpose in ("sip", "superuser")
        },
        credentials={
            purpose: {
                name: Credential(f"secret key of {name}\n", f"{name}\n", f"{n:02X}:" * 32)
                for n, name in enumerate(
                    name
                    for name, kinds in sorted(needed.items(), key=lambda item: item[0] != "server")
                    if kinds.get(purpose) == SecretKind.CREDENTIAL
                )
            }
            for purpose in ("vpn", "mumble")
        },
        tor=TorKeys(
            {
                node.name: RelayKeys(
                    f"{n:040X}", {"secret_id_key": f"secret of {node.name}\n".encode()}
                )
                for n, node in enumerate(topology.with_role("relay"))
            },
            "A" * 40,
        ),
    )


def render(of: Plan) -> Project:
    return render_project(of.topology, of.source, known_secrets(of), of.images, of.owner)


def readable(project: Project) -> dict[str, str]:
    """The files as text; the digest over everything would change with everything."""
    return {
        name: content.decode().replace(project.fingerprint, "fingerprint")
        for name, content in project.files.items()
        if name != "topology.yaml"
    }


def compose_of(project: Project) -> Any:
    return yaml.safe_load(project.files["compose.yaml"])


@pytest.mark.parametrize("name", NAMES)
def test_the_rendered_project_is_the_golden_one(name: str) -> None:
    directory = GOLDEN / name
    golden = {
        str(path.relative_to(directory)): path.read_text()
        for path in directory.rglob("*")
        if path.is_file()
    }
    rendered = readable(render(plan(name)))
    assert rendered.keys() == golden.keys()
    for path, text in rendered.items():
        assert text == golden[path], path


@pytest.mark.parametrize("name", TOPOLOGIES)
def test_every_service_is_as_closed_as_it_can_be(name: str) -> None:
    made, compose = project(name)
    machines = [node for node in made.topology.nodes if node.on is None]
    expected: dict[str, list[str]] = {node.name: [] for node in made.topology.nodes}
    expected |= {network_service(node.name): ["NET_ADMIN"] for node in machines}
    expected |= {delay_service(node.name): ["NET_RAW"] for node in machines if node.has_delays}
    assert expected.keys() == compose["services"].keys()
    nobody = f"{made.owner.uid}:{made.owner.gid}"
    for service, found in compose["services"].items():
        assert found["cap_drop"] == ["ALL"], service
        assert found.get("cap_add", []) == expected[service], service
        assert found["security_opt"] == ["no-new-privileges:true"], service
        assert found["read_only"] is True, service
        assert found["user"] == ("0:0" if expected[service] else nobody), service
        assert not found.keys() & {"ports", "privileged", "pid", "environment"}, service


def test_every_role_is_in_the_list_of_what_containers_may() -> None:
    listed = {kind for kind in privileges() if kind.startswith("node, ")}
    assert listed == {f"node, `{role.name}`" for role in ROLES}


def test_networks_are_not_masqueraded() -> None:
    for network in compose_of(render(plan("paper")))["networks"].values():
        options = network["driver_opts"]
        assert options["com.docker.network.bridge.enable_ip_masquerade"] == "false"


def test_everything_carries_the_name_of_its_lab() -> None:
    compose = compose_of(render(plan("paper", lab="other")))
    assert compose["name"] == "lab-other"
    for kind in ("services", "networks"):
        for name, found in compose[kind].items():
            assert found["labels"][labels.LAB] == "other", name


def test_no_secret_stands_in_the_compose_file() -> None:
    assert "secret" not in render(plan("paper")).files["compose.yaml"].decode()


def test_a_lab_with_other_addresses_or_images_has_another_fingerprint() -> None:
    made = plan("paper")
    others = [
        plan("small"),
        plan("paper", lab="other"),
        plan("paper", pbx=PbxKind.FREESWITCH),
        Plan(made.topology, made.source, {**made.images, "tor": "new"}, OWNER, made.pbx),
        Plan(made.topology, made.source, made.images, Owner(1, 1), made.pbx),
    ]
    fingerprints = {made.fingerprint, *(other.fingerprint for other in others)}
    assert len(fingerprints) == 1 + len(others)
    assert render(made).fingerprint == made.fingerprint


def test_freeswitch_takes_the_place_of_kamailio_and_its_media_proxy() -> None:
    services = compose_of(render(plan("paper", pbx=PbxKind.FREESWITCH)))["services"]
    assert services["pbx"]["image"] == "voice-tor-lab/freeswitch:golden"
    assert services["pbx"]["network_mode"] == "service:server"
    assert "pbx-media" not in services


def test_every_mounted_directory_is_made() -> None:
    project = render(plan("paper"))
    mounted = {
        volume.split(":")[0].removeprefix("./")
        for service in compose_of(project)["services"].values()
        for volume in service.get("volumes", [])
    }
    assert mounted <= set(project.directories)


def test_net_helpers_know_every_link_and_route() -> None:
    made = plan("paper")
    specs = json.loads(render(made).files["networks.json"])
    gateway = specs["gateway"]
    assert [link["network"] for link in gateway["links"]] == ["home", "transit-1"]
    reachable = {link["subnet"] for link in gateway["links"]}
    reachable |= {route["destination"] for route in gateway["routes"]}
    assert reachable == {str(network.subnet) for network in made.topology.networks}


if __name__ == "__main__":
    for topology in NAMES:
        shutil.rmtree(GOLDEN / topology, ignore_errors=True)
        for file, content in readable(render(plan(topology))).items():
            path = GOLDEN / topology / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
