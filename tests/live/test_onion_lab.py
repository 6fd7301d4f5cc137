"""Onion services: up, met afresh by every call, and named where they are not there."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest
from docker import DockerClient
from lab_command import LabCommand, things_of
from live_lab import LiveLab
from valid_calls import call

import lab.lifecycle.onion as lifecycle
from lab.engine.execution import run_in, start_agent
from lab.errors import LabError
from lab.lifecycle.onion import check_service
from lab.lifecycle.ready import open_lab
from lab.measure.call.rendezvous import rendezvous_faults
from lab.render.onion import read_address
from lab.render.onion_keys import generate_onion_keys
from lab.wire.onion import (
    ONION,
    BeginRendezvous,
    ConnectOnion,
    OnionConnected,
    ReadRendezvous,
    RendezvousBegun,
    RendezvousState,
)

pytestmark = pytest.mark.live

NAME = "test-onion"
SETTLED_S = 3.0
"""tor tells once a second what circuits have carried."""


@pytest.fixture(scope="module")
def onion(able_host: DockerClient, lab: LabCommand) -> Iterator[LiveLab]:
    done = lab.run("up", "onion", "--name", NAME, "--json", timeout_s=180)
    try:
        assert done.returncode == 0, done.stderr
        yield LiveLab(NAME, lab, json.loads(done.stdout))
    finally:
        lab.run("down", NAME)
    assert things_of(able_host, NAME) == {}


def test_up_means_found_and_reached(onion: LiveLab) -> None:
    stages = [stage["name"] for stage in onion.said["stages"]]
    for service in ("server-onion", "mumble-onion"):
        wanted = [f"onion service {service}: {what}" for what in ("descriptor", "connection")]
        assert [stage for stage in stages if stage in wanted] == wanted
        told = onion.said["onion"][service]
        assert told["address"] == read_address(onion.project, service)
        assert told["described"]
        assert len(told["introductions"]) >= 3
    keys = onion.project / "nodes" / "server-onion" / "tor" / "onion" / "hs_ed25519_secret_key"
    assert keys.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("method", ["v-onion", pytest.param("m-onion", marks=pytest.mark.slow)])
def test_a_call_meets_its_service_over_six_hops(onion: LiveLab, method: str) -> None:
    record = call(onion, method, "--duration", "10s")
    own, far = record["circuit"].split(), record["service_circuit"].split()
    assert (len(own), len(far), record["hops"]) == (3, 4, 6)
    assert own[-1] == far[-1] == record["rendezvous"]
    assert record["exit"] is None
    assert record["kbps_exit_eth"] is None
    assert record["kbps_service_eth"] == pytest.approx(record["kbps_access_eth"], rel=0.15)
    assert record["callee_pesq_mos"] > 4.0
    [again] = onion.lab.json("measure", record["call_id"])
    assert (again["stored"], again["changed"]) == (True, {}), "the same row from the same files"


@pytest.mark.slow
def test_every_meeting_is_a_fresh_one_and_a_stray_stream_is_seen(
    onion: LiveLab, able_host: DockerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB_HOME", str(onion.lab.home))
    ready = open_lab(able_host, NAME)
    address = read_address(onion.project, "server-onion")
    with (
        start_agent(ready.running, "caller", ONION) as client,
        start_agent(ready.running, "server-onion", ONION) as service,
    ):
        for _ in range(2):
            begun = client.ask(BeginRendezvous(address), RendezvousBegun, 20)
            service.ask(BeginRendezvous(address), RendezvousBegun, 20)
            client.ask(ConnectOnion(address, 1194, 30), OnionConnected, 40)
        assert begun.closed > 0, "the first meeting's circuits were there to be ended"
        time.sleep(SETTLED_S)
        states = [agent.ask(ReadRendezvous(), RendezvousState, 10) for agent in (client, service)]
        assert rendezvous_faults(*states) == []
        server = ready.topology.node("server").links[0].address
        stray = ["torsocks", "wget", "-q", "-O", "/dev/null", "-T", "3", "-t", "1"]
        with pytest.raises(LabError):
            run_in(ready.running, "caller", [*stray, f"http://{server}:64738/"])
        client_state = client.ask(ReadRendezvous(), RendezvousState, 10)
        [fault] = rendezvous_faults(client_state, states[1])
        assert fault == f"streams went another way: {server}:64738"


@pytest.mark.slow
def test_a_descriptor_that_never_appears_is_named(
    onion: LiveLab, able_host: DockerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB_HOME", str(onion.lab.home))
    monkeypatch.setattr(lifecycle, "DESCRIPTOR_DEADLINE_S", 3.0)
    ready = open_lab(able_host, NAME)
    nobodys = generate_onion_keys().address
    with (
        start_agent(ready.running, "caller", ONION) as client,
        start_agent(ready.running, "server-onion", ONION) as service,
        pytest.raises(LabError, match="waited 3 s for caller to fetch its descriptor") as caught,
    ):
        check_service(client, service, "server-onion", nobodys, 1194, "caller", print)
    assert "NOT_FOUND at " in caught.value.message
    assert "its own tor stands introduced at " in caught.value.message
