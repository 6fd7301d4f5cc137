"""A call that shares a link with competing traffic: what is set, what runs, what is recorded."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from typing import Any

import pytest
from docker import DockerClient
from lab_command import complaint, nodes_of
from live_lab import LiveLab

pytestmark = pytest.mark.live

RATE_KBPS = 4_000
CALL_TIMEOUT_S = 240.0
SHORT = ("--duration", "15s")
TCP_SHARE = 1448 / 1514
RTP_KBPS = 172 * 8 * 50 / 1000


def call(lab: LiveLab, *words: str, status: int = 0) -> dict[str, Any]:
    """A call with competing traffic; whether the host kept pace is not what is tested here."""
    command = ["call", "v-tor", "--name", lab.name, "--json", *SHORT, *words]
    done = lab.lab.run(*command, timeout_s=CALL_TIMEOUT_S)
    assert done.stdout, done.stderr
    record: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == status, record["reason"]
    return record


def links(lab: LiveLab, *place: str) -> dict[tuple[str, str, str], dict[str, Any]]:
    shown = lab.lab.json("link", "show", *place, "--name", lab.name)
    return {(link["node"], link["network"], link["direction"]): link for link in shown}


def processes(client: DockerClient, lab: LiveLab, node: str, what: str = "comm") -> list[str]:
    """Of all processes in a node `what` ps tells: comm, args, or pid as the host counts."""
    container = nodes_of(client, lab.name)[node]["Id"]
    top = client.api.top(container, ps_args=f"-eo pid,{what}")  # Docker asks for the pid
    return [row[-1] for row in top["Processes"]]


def test_links_are_shown_set_and_reset(paper: LiveLab) -> None:
    out = ("server", "hosting", "out")
    into = ("server", "hosting", "in")
    before = links(paper)
    assert len(before) == 26, "two directions of each of 13 links"
    assert all(link["in_force"] == link["configured"] for link in before.values())

    set_ = ("link", "set", "server", "hosting", "--name", paper.name)
    paper.lab.json(*set_, "--rate", "10mbit", "--queue", "60")
    paper.lab.json(*set_, "--rate", "5mbit")
    paper.lab.json(*set_, "--direction", "in", "--rate", "2mbit", "--queue-bytes", "30000")
    now = links(paper, "server", "hosting")
    htb = {"kind": "htb", "fifo": "pfifo", "limit": 60}
    assert (now[out]["in_force"]["rate_kbps"], now[out]["in_force"]["queue"]) == (5_000, htb)
    assert now[out]["configured"]["rate_kbps"] == 100_000
    assert now[into]["in_force"]["rate_kbps"] == 2_000
    assert now[into]["configured"] is None

    assert paper.lab.run("link", "reset", "server", "--name", paper.name).returncode == 0
    assert all(link["in_force"] == link["configured"] for link in links(paper, "server").values())


@pytest.mark.parametrize(
    ("place", "message"),
    [
        (("server", "attic"), "server has no link to 'attic'"),
        (("sever", "hosting"), "there is no node 'sever'"),
    ],
)
def test_a_link_that_is_not_there(paper: LiveLab, place: tuple[str, str], message: str) -> None:
    done = paper.lab.run("link", "set", *place, "--rate", "1mbit", "--name", paper.name)
    assert done.returncode == 2
    assert message in complaint(done)


@pytest.mark.parametrize(
    "load", [pytest.param("wget:8:direct", marks=pytest.mark.slow), "wget:8:tor"]
)
def test_downloads_share_the_servers_link_evenly(
    paper: LiveLab, able_host: DockerClient, load: str
) -> None:
    record = call(paper, "--load", load, "--rate", "4mbit", "--queue", "100")
    assert (record["load_kind"], record["load_count"]) == ("wget", 8)
    assert record["load_through"] == load.rpartition(":")[2]
    assert record["link_point"] == "server/hosting/out"
    assert (record["link_rate_kbps"], record["queue_packets"]) == (RATE_KBPS, 100)
    assert record["rate_achieved_kbps"] == pytest.approx(RATE_KBPS, rel=0.03)
    assert (record["load_established_min"], record["load_died"]) == (8, 0)
    assert record["load_jain"] > 0.95
    total_kbps = 8 * record["load_goodput_kbps_mean"]
    left_kbps = RATE_KBPS * TCP_SHARE - record["kbps_exit_eth_back"]
    assert total_kbps == pytest.approx(left_kbps, rel=0.08)
    assert record["link_backlog_p50_packets"] >= 8, "every sender keeps packets in the queue"
    assert_nothing_is_left(able_host, paper)


def test_uploads_share_the_link_in_the_other_direction(paper: LiveLab) -> None:
    record = call(
        paper, *("--load", "wget:8:direct", "--rate", "4mbit", "--direction", "to-callee")
    )
    assert record["link_point"] == "server/hosting/in"
    assert record["rate_achieved_kbps"] == pytest.approx(RATE_KBPS, rel=0.05)
    assert 8 * record["load_goodput_kbps_mean"] > 0.8 * RATE_KBPS


@pytest.mark.parametrize(
    "load", [pytest.param("voip:6:direct", marks=pytest.mark.slow), "voip:6:tor"]
)
def test_other_calls_get_what_they_need(paper: LiveLab, able_host: DockerClient, load: str) -> None:
    record = call(paper, "--load", load, "--rate", "4mbit")
    assert (record["load_established_min"], record["load_died"]) == (6, 0)
    assert record["load_goodput_kbps_mean"] == pytest.approx(RTP_KBPS, rel=0.02)
    if load.endswith("tor"):
        assert record["load_jain"] > 0.99
    assert record["callee_pesq_mos"] > 4
    assert_nothing_is_left(able_host, paper)


def test_a_stream_that_dies_is_seen(paper: LiveLab, able_host: DockerClient) -> None:
    words = ["call", "v-tor", "--name", paper.name, "--json", "--load", "wget:3", *SHORT]
    process = paper.lab.start(*words, "--rate", "4mbit")
    client = nodes_of(able_host, paper.name)["client"]["Id"]
    deadline = time.monotonic() + CALL_TIMEOUT_S
    while "lab.agents.phone.phone" not in str(processes(able_host, paper, "caller", "args")):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.2)
    time.sleep(5)  # into the call
    subprocess.run(["docker", "exec", client, "sh", "-c", KILL_ONE_WGET], check=True)
    out, err = process.communicate(timeout=CALL_TIMEOUT_S)
    assert out, err
    record = json.loads(out)
    assert record["load_died"] == 1
    assert record["valid"] is False
    assert any("1 of 3 competing streams died" in reason for reason in record["invalid_reasons"])


KILL_ONE_WGET = """
for comm in /proc/[0-9]*/comm; do
  read -r name < "$comm"
  [ "$name" = wget ] && kill "$(basename "$(dirname "$comm")")" && exit
done
exit 1
"""


@pytest.mark.slow
def test_a_load_without_its_server_says_so(paper: LiveLab, able_host: DockerClient) -> None:
    """The web server's host takes connections, and its program answers none of them."""
    programs = [int(pid) for pid in processes(able_host, paper, "web", "pid")]
    for pid in programs:
        os.kill(pid, signal.SIGSTOP)
    try:
        done = paper.lab.run(
            *("call", "v-tor", "--name", paper.name, "--load", "wget:3"), timeout_s=CALL_TIMEOUT_S
        )
    finally:
        for pid in programs:
            os.kill(pid, signal.SIGCONT)
    assert done.returncode == 1
    assert "transfers" in complaint(done)
    assert_nothing_is_left(able_host, paper)


def assert_nothing_is_left(client: DockerClient, lab: LiveLab) -> None:
    """No cap, no stream and no tunnel outlives its call."""
    server = links(lab, "server").values()
    assert all(link["in_force"] == link["configured"] for link in server)
    assert not {"wget", "sipp", "openvpn"} & set(processes(client, lab, "client"))
    assert processes(client, lab, "server").count("openvpn") == 1
    assert processes(client, lab, "caller").count("openvpn") == 0
    for node in ("client", "server"):
        container = client.containers.get(nodes_of(client, lab.name)[node]["Id"])
        table = container.exec_run("cat /proc/net/dev").output.decode()
        devices = {line.partition(":")[0].strip() for line in table.splitlines()[2:]}
        assert {name for name in devices if name.startswith(("load", "in-"))} == set()
        assert "tun0" in devices
