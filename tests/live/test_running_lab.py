"""A lab that is up: verified, shown, found again, left alone by a second `up`."""

from __future__ import annotations

import json
import subprocess

import pytest
from docker import DockerClient
from lab_command import LabCommand, nodes_of, running_nodes, things_of, wait_for
from live_lab import LiveLab

from lab.engine.compose_plugin import compose_command

pytestmark = pytest.mark.live

NODES = {
    *("gateway", "caller", "client", "callee"),
    *("authority", "relay1", "relay2"),
    *("server", "pbx"),
}


def test_up_returns_when_every_node_runs_and_tor_is_verified(paper: LiveLab) -> None:
    said = paper.said
    assert {node["node"] for node in said["nodes"]} >= NODES
    assert {node["state"] for node in said["nodes"]} == {"running"}
    assert said["problems"] == []
    for client in ("caller", "client"):
        tor = said["tor"][client]
        assert (tor["bootstrap_pct"], tor["relays"], tor["descriptors"]) == (100, 3, 3)


def test_up_tells_where_its_seconds_went(paper: LiveLab) -> None:
    stages = {stage["name"]: stage for stage in paper.said["stages"]}
    assert "Tor: circuits through them" in stages
    ends = [stage["began_s"] + stage["seconds"] for stage in stages.values()]
    assert max(ends) == pytest.approx(paper.said["seconds"])


def test_status_reads_the_rates_that_are_in_force(paper: LiveLab) -> None:
    links = [link for node in paper.status()["nodes"] for link in node["links"]]
    assert len(links) == 13
    assert {link["rate_configured_kbps"] for link in links} == {100_000}
    assert {link["rate_in_force_kbps"] for link in links} == {100_000}


def test_every_machine_sends_tcp_as_the_topology_says(paper: LiveLab) -> None:
    machines = [node for node in paper.status()["nodes"] if node["links"]]
    assert {tuple(node["congestion_control"]) for node in machines} == {("cubic",)}


def test_status_without_a_name_shows_every_lab(paper: LiveLab) -> None:
    assert paper.name in {state["lab"] for state in paper.lab.json("status")}


def test_status_of_a_node_that_died(able_host: DockerClient, paper: LiveLab) -> None:
    node = nodes_of(able_host, paper.name)["client"]["Id"]
    able_host.api.kill(node)
    state = paper.status()
    assert state["problems"] == ["client is exited (exit status 137)"]
    assert state["tor"].keys() == {"caller", "callee"}
    again = paper.lab.run("up", "paper", "--name", paper.name)
    assert again.returncode == 0, again.stderr
    assert paper.status()["problems"] == []


def test_a_second_up_changes_nothing(able_host: DockerClient, paper: LiveLab) -> None:
    before = nodes_of(able_host, paper.name)
    secrets = (paper.project / "sip-passwords.json").read_bytes()
    done = paper.lab.run("up", "paper", "--name", paper.name)
    assert done.returncode == 0, done.stderr
    after = nodes_of(able_host, paper.name)
    assert {n: (c["Id"], c["State"]) for n, c in after.items()} == {
        n: (c["Id"], c["State"]) for n, c in before.items()
    }
    assert (paper.project / "sip-passwords.json").read_bytes() == secrets


def test_another_topology_under_the_same_name_is_refused(paper: LiveLab) -> None:
    done = paper.lab.run("up", "small", "--name", paper.name)
    assert done.returncode == 1
    assert "is up, but was made from another topology" in done.stderr
    assert paper.status()["problems"] == []


def test_exec_runs_a_command_in_a_node(paper: LiveLab) -> None:
    done = paper.lab.run(
        "exec", "--name", paper.name, "caller", "--", "sh", "-c", "hostname; exit 7"
    )
    assert (done.stdout, done.returncode) == ("caller\n", 7)


def test_exec_in_a_node_that_is_not_there_names_those_that_are(paper: LiveLab) -> None:
    done = paper.lab.run("exec", "--name", paper.name, "nobody", "--", "true")
    assert done.returncode == 1
    assert f"lab {paper.name} has no node nobody" in done.stderr
    assert "relay1" in done.stderr


def test_logs_are_what_the_node_printed(paper: LiveLab) -> None:
    everything = paper.lab.run("logs", "--name", paper.name, "relay1")
    assert "Tor 0.4" in everything.stdout
    last = paper.lab.run("logs", "--name", paper.name, "--lines", "1", "relay1")
    assert len(last.stdout.splitlines()) == 1


def test_compose_accepts_the_project(paper: LiveLab) -> None:
    project = str(paper.project / "compose.yaml")
    done = subprocess.run(
        [*compose_command(), "--file", project, "config", "--format", "json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert json.loads(done.stdout)["services"].keys() >= NODES


def test_a_dry_run_starts_and_writes_nothing(
    able_host: DockerClient, lab: LabCommand, lab_name: str
) -> None:
    done = lab.run("up", "paper", "--name", lab_name, "--dry-run")
    assert done.returncode == 0, done.stderr
    assert f"name: lab-{lab_name}" in done.stdout
    assert things_of(able_host, lab_name) == {}
    assert not lab.project(lab_name).exists()


@pytest.mark.slow
def test_a_project_runs_by_hand(able_host: DockerClient, lab: LabCommand, lab_name: str) -> None:
    directory = lab.project(lab_name)
    done = lab.run("up", "paper", "--name", lab_name, "--dry-run", "--directory", str(directory))
    assert done.returncode == 0, done.stderr
    compose = [*compose_command(), "--file", str(directory / "compose.yaml")]
    subprocess.run([*compose, "up", "--detach"], check=True, capture_output=True)

    def knows_the_network() -> bool:
        tor = lab.json("status", lab_name)["tor"]
        return all(known and known["descriptors"] == 3 for known in tor.values())

    wait_for("Tor network", knows_the_network, deadline_s=60)
    before = {node: found["Id"] for node, found in nodes_of(able_host, lab_name).items()}
    verified = lab.json("up", "paper", "--name", lab_name)
    assert (verified["problems"], verified["tor"]["caller"]["bootstrap_pct"]) == ([], 100)
    after = {node: found["Id"] for node, found in nodes_of(able_host, lab_name).items()}
    assert after == before
    subprocess.run([*compose, "down", "--volumes"], check=True, capture_output=True)
    assert things_of(able_host, lab_name) == {}


def test_two_labs_side_by_side(
    able_host: DockerClient, paper: LiveLab, lab: LabCommand, lab_name: str
) -> None:
    before = nodes_of(able_host, paper.name)
    small = lab.json("up", "small", "--name", lab_name)
    assert small["problems"] == []
    assert small["block"] != paper.said["block"]
    assert small["tor"]["caller"]["relays"] == 4
    ambiguous = lab.run("exec", "caller", "--", "true")
    assert ambiguous.returncode == 1
    assert "several labs are up" in ambiguous.stderr
    done = lab.run("down", lab_name)
    assert done.returncode == 0, done.stderr
    assert things_of(able_host, lab_name) == {}
    assert not lab.project(lab_name).exists()
    after = nodes_of(able_host, paper.name)
    assert {n: c["Id"] for n, c in after.items()} == {n: c["Id"] for n, c in before.items()}
    assert running_nodes(able_host, paper.name) == after.keys()


def test_down_of_a_lab_that_is_not_there_is_no_failure(lab: LabCommand, lab_name: str) -> None:
    done = lab.run("down", lab_name)
    assert (done.returncode, done.stdout) == (0, "")
    assert "Nothing was up" in done.stderr
