"""What nodes may do: nothing beyond their own files; and who may read a lab's secrets: nobody."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from docker import DockerClient
from lab_command import LabCommand, nodes_of
from live_lab import LiveLab

from lab.render import labels

pytestmark = pytest.mark.live

EVERY_PROCESS = "for file in /proc/[0-9]*/status; do cat $file; echo; done 2>/dev/null"
SERVICE = "com.docker.compose.service"
CAPABILITIES = {"NET_ADMIN": 12, "NET_RAW": 13}
"""Of <linux/capability.h>: those that any container of a lab has."""
BEGUN_LATER = {
    "cap_add": ["NET_RAW"],
    "devices": ["/dev/net/tun"],
    "security_opt": ["no-new-privileges"],
}
"""What a delay line may that began when its lab was up."""


@pytest.fixture
def containers(able_host: DockerClient, paper: LiveLab) -> dict[str, str]:
    return {node: found["Id"] for node, found in nodes_of(able_host, paper.name).items()}


def inside(client: DockerClient, container: str, *command: str) -> str:
    """What a command in a container prints, standard error included."""
    output = client.api.exec_start(client.api.exec_create(container, list(command))["Id"])
    return str(output.decode())


def processes(client: DockerClient, container: str) -> Iterator[dict[str, str]]:
    """The fields of /proc/PID/status of every process in a container."""
    for text in inside(client, container, "sh", "-c", EVERY_PROCESS).split("\n\n"):
        fields = dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)
        if "Uid" in fields:
            yield fields


def test_no_process_has_a_capability_or_is_root(
    able_host: DockerClient, containers: dict[str, str]
) -> None:
    for node, container in containers.items():
        found = list(processes(able_host, container))
        assert len(found) >= 2, node
        for process in found:
            where = f"{process['Name']} in {node}"
            for kind in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
                assert int(process[kind], 16) == 0, f"{kind} of {where}"
            assert process["NoNewPrivs"] == "1", where
            assert "0" not in process["Uid"].split(), where
            assert "0" not in process["Gid"].split(), where


def test_every_container_may_what_its_project_says_and_no_more(
    able_host: DockerClient, paper: LiveLab
) -> None:
    """Delay lines that `lab link set` began are in no project; they may what others may."""
    services = yaml.safe_load((paper.project / "compose.yaml").read_text())["services"]
    wanted = {"label": f"{labels.LAB}={paper.name}"}
    found = able_host.api.containers(all=True, filters=wanted)
    composed = [each for each in found if SERVICE in each["Labels"]]
    assert {each["Labels"][SERVICE] for each in composed} == services.keys()
    assert all(labels.DELAY_LINE in each["Labels"] for each in found if each not in composed)
    for container in found:
        service = services.get(container["Labels"].get(SERVICE), BEGUN_LATER)
        host = able_host.api.inspect_container(container["Id"])["HostConfig"]
        where = container["Names"][0]
        assert host["CapDrop"] == ["ALL"], where
        added = [name.removeprefix("CAP_") for name in host["CapAdd"] or []]
        assert added == service.get("cap_add", []), where
        assert host["SecurityOpt"] == service["security_opt"], where
        devices = [device["PathOnHost"] for device in host["Devices"] or ()]
        assert devices == service.get("devices", []), where
        assert (host["DeviceCgroupRules"] or []) == service.get("device_cgroup_rules", []), where
        if container["State"] == "running":
            status = inside(able_host, container["Id"], "cat", "/proc/1/status")
            effective = int(status.split("CapEff:")[1].split()[0], 16)
            held = [name for name, bit in CAPABILITIES.items() if effective & 1 << bit]
            assert held == service.get("cap_add", []), where
            assert effective.bit_count() == len(held), where


def test_the_root_file_system_is_read_only(
    able_host: DockerClient, containers: dict[str, str]
) -> None:
    for node, container in containers.items():
        assert able_host.api.inspect_container(container)["HostConfig"]["ReadonlyRootfs"], node
        for path in ("/trial", "/run/lab/trial"):
            said = inside(able_host, container, "sh", "-c", f"echo > {path}")
            assert "Read-only file system" in said, f"{path} in {node}: {said}"


def test_no_node_is_privileged_or_sees_the_host(
    able_host: DockerClient, containers: dict[str, str]
) -> None:
    for node, container in containers.items():
        host = able_host.api.inspect_container(container)["HostConfig"]
        assert not host["Privileged"], node
        assert not host["CapAdd"], node
        assert {host["PidMode"], host["UsernsMode"], host["UTSMode"]} == {""}, node
        assert all("docker.sock" not in bind for bind in host["Binds"] or ()), node


def test_what_a_lab_writes_only_its_owner_may_read(paper: LiveLab) -> None:
    owner = json.loads((paper.project / "lab.json").read_text())["owner"]
    for path in [paper.project, *paper.project.rglob("*")]:
        if "calls" in path.relative_to(paper.project).parts:
            continue
        found = path.stat()
        assert stat.S_IMODE(found.st_mode) == (0o700 if path.is_dir() else 0o600), path
        assert (found.st_uid, found.st_gid) == (owner["uid"], owner["gid"]), path
        assert found.st_uid != 0


def test_secrets_are_files_and_nothing_else(
    able_host: DockerClient, paper: LiveLab, containers: dict[str, str]
) -> None:
    passwords = json.loads((paper.project / "sip-passwords.json").read_text())
    assert len(passwords) == 3
    for node, container in containers.items():
        shown = json.dumps(able_host.api.inspect_container(container))
        assert not [number for number, secret in passwords.items() if secret in shown], node


def test_secrets_are_fresh_for_every_lab(lab: LabCommand, tmp_path: Path) -> None:
    for name in ("one", "two"):
        where = str(tmp_path / name)
        done = lab.run("up", "paper", "--name", "same", "--dry-run", "--directory", where)
        assert done.returncode == 0, done.stderr
    secret = [
        path.relative_to(tmp_path / "one")
        for path in (tmp_path / "one").rglob("*")
        if path.is_file()
        and (path.name.endswith((".pem", "passwords.json")) or "keys" in path.parts)
    ]
    assert len(secret) >= 10
    for path in secret:
        one, two = ((tmp_path / name / path).read_bytes() for name in ("one", "two"))
        assert one != two, path
