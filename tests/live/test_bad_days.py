"""Days on which `lab up` cannot do it: one clear sentence, exit status 1, nothing left behind."""

from __future__ import annotations

import json
import re
import resource
import secrets
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from ipaddress import IPv4Network
from pathlib import Path, PurePosixPath

import docker
import pytest
from docker import DockerClient
from lab_command import (
    LAB,
    UP_TIMEOUT_S,
    LabCommand,
    complaint,
    ended,
    kill,
    nodes_of,
    running_nodes,
    things_of,
    wait_for,
)
from live_lab import LiveLab

from lab.checkout import TOPOLOGIES
from lab.cli import main
from lab.engine import compose_plugin
from lab.wire import places

pytestmark = pytest.mark.live

ENDS_WITHIN_S = 40


@pytest.fixture
def command_line(
    lab: LabCommand, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """`lab` in this process, so that a test can take something away from the host."""
    monkeypatch.setenv("LAB_HOME", str(lab.home))

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        monkeypatch.setattr(sys, "argv", ["lab", *words])
        capfd.readouterr()
        with pytest.raises(SystemExit) as exit_:
            main()
        printed = capfd.readouterr()
        code = exit_.value.code
        assert isinstance(code, int)
        return subprocess.CompletedProcess(words, code, printed.out, printed.err)

    return run


@pytest.fixture
def taken_network(able_host: DockerClient) -> Iterator[IPv4Network]:
    """A subnet that a network of somebody else has."""
    subnet = IPv4Network("10.255.254.0/24")
    network = able_host.networks.create(
        f"taken-{secrets.token_hex(3)}",
        ipam=docker.types.IPAMConfig(pool_configs=[docker.types.IPAMPool(str(subnet))]),
    )
    yield subnet
    network.remove()


@pytest.mark.parametrize(
    "words",
    [
        ("up",),
        ("down",),
        ("status",),
        ("call", "sip"),
        ("exec", "caller", "--", "true"),
        ("logs", "caller"),
    ],
    ids=lambda words: words[0],
)
def test_no_docker(lab: LabCommand, words: tuple[str, ...]) -> None:
    done = lab.run(*words, DOCKER_HOST="unix:///nowhere/docker.sock")
    assert done.returncode == 1
    assert complaint(done) == "lab: the Docker engine does not answer: its socket is not there"


def test_no_compose_v2(
    able_host: DockerClient,
    command_line: Callable[..., subprocess.CompletedProcess[str]],
    lab_name: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(compose_plugin, "version", lambda _: None)
    compose_plugin.compose_command.cache_clear()
    done = command_line("up", "paper", "--name", lab_name)
    compose_plugin.compose_command.cache_clear()
    assert done.returncode == 1
    assert complaint(done) == "lab: No Compose v2 was found on this host."
    assert things_of(able_host, lab_name) == {}


def test_no_tun_device(
    able_host: DockerClient,
    command_line: Callable[..., subprocess.CompletedProcess[str]],
    lab_name: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(places, "TUN", PurePosixPath("/dev/net/absent"))
    done = command_line("up", "paper", "--name", lab_name)
    assert done.returncode == 1
    assert "needs /dev/net/absent for OpenVPN and this host has none" in complaint(done)
    assert things_of(able_host, lab_name) == {}


def test_a_subnet_that_is_taken(
    able_host: DockerClient,
    lab: LabCommand,
    lab_name: str,
    taken_network: IPv4Network,
    tmp_path: Path,
) -> None:
    topology = tmp_path / "overlapping.yaml"
    text = (TOPOLOGIES / "paper.yaml").read_text()
    topology.write_text(text.replace("  office: {}", f"  office: {{subnet: {taken_network}}}"))
    done = lab.run("up", str(topology), "--name", lab_name)
    assert done.returncode == 1
    assert f"lab {lab_name} cannot have its subnet" in complaint(done)
    assert things_of(able_host, lab_name) == {}
    assert not lab.project(lab_name).exists()


def test_a_relay_that_dies_during_bootstrap(
    able_host: DockerClient, lab: LabCommand, lab_name: str
) -> None:
    process = lab.start("up", "paper", "--name", lab_name)
    wait_for("relay2", lambda: "relay2" in running_nodes(able_host, lab_name))
    able_host.api.kill(nodes_of(able_host, lab_name)["relay2"]["Id"])
    done = ended(process, ENDS_WITHIN_S)
    assert done.returncode == 1
    assert re.search(f"relay2 of lab {lab_name} (ended while|has ended)", complaint(done))
    assert things_of(able_host, lab_name) == {}
    assert not lab.project(lab_name).exists()


MOMENTS: dict[str, Callable[[DockerClient, str], object]] = {
    "networks": lambda client, name: "networks" in things_of(client, name),
    "the first relay": running_nodes,
    "the callee": lambda client, name: "callee" in running_nodes(client, name),
}
"""What is there when the interruption comes."""


@pytest.mark.parametrize(
    ("moment", "number"),
    list(zip(MOMENTS, (signal.SIGHUP, signal.SIGINT, signal.SIGTERM), strict=True)),
)
def test_interruption(
    able_host: DockerClient, lab: LabCommand, lab_name: str, moment: str, number: signal.Signals
) -> None:
    process = lab.start("up", "paper", "--name", lab_name)
    wait_for(moment, lambda: MOMENTS[moment](able_host, lab_name))
    process.send_signal(number)
    process.send_signal(signal.SIGINT)
    done = ended(process, ENDS_WITHIN_S)
    assert complaint(done) == "lab: interrupted"
    assert done.returncode in {128 + number, 128 + signal.SIGINT}
    assert things_of(able_host, lab_name) == {}
    assert not lab.project(lab_name).exists()


def test_down_after_kill_9(able_host: DockerClient, lab: LabCommand, lab_name: str) -> None:
    process = lab.start("up", "paper", "--name", lab_name)
    wait_for("the first relay", lambda: running_nodes(able_host, lab_name))
    kill(process)
    done = lab.run("down", lab_name)
    assert done.returncode == 0, done.stderr
    assert things_of(able_host, lab_name) == {}
    assert not lab.project(lab_name).exists()


def test_up_after_kill_9(able_host: DockerClient, lab: LabCommand, lab_name: str) -> None:
    process = lab.start("up", "paper", "--name", lab_name)
    wait_for("the first relay", lambda: running_nodes(able_host, lab_name))
    kill(process)
    state = lab.json("up", "paper", "--name", lab_name)
    assert state["problems"] == []
    assert state["tor"]["caller"]["bootstrap_pct"] == 100


def test_a_full_disk(able_host: DockerClient, lab: LabCommand, lab_name: str) -> None:
    """As good as one: no file may grow beyond 2 KiB."""
    done = subprocess.run(
        [LAB, "up", "paper", "--name", lab_name],
        env={
            "PATH": "/usr/bin:/bin",
            "HOME": str(Path.home()),
            "LAB_HOME": str(lab.home),
            # Python would write its caches cut short as well, and others would stumble over them.
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (2048, 2048)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "cannot write the project of the lab" in complaint(done)
    assert things_of(able_host, lab_name) == {}
    assert not lab.project(lab_name).exists()


def test_a_home_that_cannot_be_used(able_host: DockerClient, lab_name: str, tmp_path: Path) -> None:
    occupied = tmp_path / "file"
    occupied.write_text("")
    done = LabCommand(occupied / "home").run("up", "--name", lab_name)
    assert done.returncode == 1
    assert "cannot write the project of the lab" in complaint(done)
    assert f"{occupied}/home/labs/{lab_name}: Not a directory" in complaint(done)


def test_a_lab_whose_project_is_gone(
    able_host: DockerClient, paper: LiveLab, tmp_path: Path
) -> None:
    """As with another LAB_HOME: it is said, and nothing is broken."""
    stranger = LabCommand(tmp_path)
    name = paper.name
    for words in (("call", "sip", "--name", name), ("up", "--name", name)):
        done = stranger.run(*words)
        assert done.returncode == 1
        assert f"lab {name}" in complaint(done)
    state = stranger.json("status", name)
    assert any(f"the project of lab {name} cannot be read" in text for text in state["problems"])
    assert {node["state"] for node in state["nodes"]} == {"running"}
    assert running_nodes(able_host, name) == nodes_of(able_host, name).keys()


def test_two_ups_of_one_lab_at_once(lab: LabCommand, lab_name: str, tmp_path: Path) -> None:
    """Whoever comes second waits, and finds what the first has brought up."""
    first = lab.start("up", "paper", "--name", lab_name, "--json")
    wait_for("project", lambda: lab.project(lab_name).exists())
    stranger = LabCommand(tmp_path).start("up", "paper", "--name", lab_name)
    second = lab.start("up", "paper", "--name", lab_name, "--json")
    for process in (first, second):
        done = ended(process, 2 * UP_TIMEOUT_S)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["problems"] == []
    refused = ended(stranger, UP_TIMEOUT_S)
    assert refused.returncode == 1
    assert f"lab {lab_name} is up, but its project is not in {tmp_path}" in complaint(refused)


def test_a_name_that_cannot_be(lab: LabCommand, able_host: DockerClient) -> None:
    done = lab.run("up", "paper", "--name", "../etc")
    assert done.returncode == 1
    assert "cannot be the name of a lab" in complaint(done)
    assert things_of(able_host, "../etc") == {}
