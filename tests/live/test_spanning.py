"""A lab that spans two engines: up, called in, seen by every command, and gone again."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

import pytest
from docker import DockerClient
from lab_command import LabCommand, things_of
from second_engine import VARIABLE

from lab.engine.hosts import client_of

pytestmark = [pytest.mark.live, pytest.mark.needs_second_engine]

UP_TIMEOUT_S = 300.0


@pytest.fixture(scope="module")
def other() -> tuple[str, str, str]:
    """The second engine, this host's address, and the other's."""
    engine, here, there = os.environ[VARIABLE].split(",")
    return engine, here, there


@pytest.fixture
def spanning(
    lab: LabCommand, lab_name: str, able_host: DockerClient, other: tuple[str, str, str]
) -> Iterator[str]:
    """The shipped topology of two hosts, up on both."""
    engine, here, there = other
    addresses = {
        "hosts.other.engine": engine,
        "hosts.other.underlay": there,
        "hosts.here.underlay": here,
    }
    words = [word for key, value in addresses.items() for word in ("--set", f"{key}={value}")]
    done = lab.run("up", "two-hosts", "--name", lab_name, *words, timeout_s=UP_TIMEOUT_S)
    assert done.returncode == 0, done.stderr
    there_client = client_of(able_host, engine)
    assert things_of(there_client, lab_name) != {}
    yield lab_name
    lab.run("down", lab_name, timeout_s=UP_TIMEOUT_S)
    assert things_of(there_client, lab_name) == {}


def test_a_call_goes_from_one_engine_to_the_other_and_says_how_exact_its_delay_is(
    lab: LabCommand, spanning: str
) -> None:
    nodes = {node["node"]: node["state"] for node in lab.json("status", spanning)["nodes"]}
    assert (nodes["callee"], nodes["relay2"]) == ("running", "running")
    assert lab.run("exec", "--name", spanning, "callee", "--", "hostname").stdout == "callee\n"
    call = lab.run(
        "call", "sip", "--duration", "10s", "--name", spanning, "--json", timeout_s=UP_TIMEOUT_S
    )
    assert call.returncode == 0, call.stderr
    record = json.loads(call.stdout)
    assert record["spans"] == "here other"
    assert record["owd_error_ms"] == pytest.approx(record["host_rtt_ms"]["other"] / 2, rel=0.01)
    assert record["owd_error_ms"] > 0
    assert record["callee_loss_pct"] < 100
