"""A real private Tor network of plain processes: it comes up, and a call's circuit is known."""

from __future__ import annotations

import shutil
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from tor_processes import TorProcesses, tor_processes

from lab.engine.agent import Agent
from lab.errors import LabError
from lab.tor.bootstrap import Bootstrap, BootstrapError, verify_bootstrap
from lab.tor.circuits import CallCircuit
from lab.wire.tor_witness import (
    CircuitsSeen,
    TellCircuits,
    WatchCircuits,
    Watching,
    followed,
)

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(shutil.which("tor") is None, reason="no tor program on this host"),
]


@pytest.fixture(scope="module")
def network() -> Iterator[TorProcesses]:
    with tor_processes(relays=4) as started:
        yield started


@pytest.fixture(scope="module")
def verified(network: TorProcesses) -> Bootstrap:
    with network.circuits_agent() as agent:
        return verify_bootstrap(agent, network.relays, started_at=network.started_at)


@pytest.fixture
def agent(network: TorProcesses, verified: Bootstrap) -> Iterator[Agent]:
    with network.circuits_agent() as started:
        yield started


@pytest.fixture
def echo(network: TorProcesses) -> Iterator[int]:
    """A TCP service inside the lab's block; the port it listens on."""
    with socket.create_server((network.service_address, 0)) as server:
        threading.Thread(target=answer_all, args=(server,), daemon=True).start()
        yield server.getsockname()[1]


def answer_all(server: socket.socket) -> None:
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        with connection:
            connection.sendall(connection.recv(100))


def connect_through_tor(network: TorProcesses, address: str, port: int) -> socket.socket:
    """A SOCKS 5 connection (RFC 1928); ConnectionError with tor's code where it is refused."""
    connection = socket.create_connection(("127.0.0.1", network.socks_port), timeout=15)
    connection.sendall(b"\5\1\0")
    assert connection.recv(2) == b"\5\0"
    connection.sendall(b"\5\1\0\1" + socket.inet_aton(address) + struct.pack("!H", port))
    reply = connection.recv(10)
    if len(reply) < 2 or reply[1] != 0:
        connection.close()
        raise ConnectionError(f"SOCKS reply {reply!r}")
    return connection


def test_the_network_is_verified_in_stages_and_through_every_relay(
    network: TorProcesses, verified: Bootstrap
) -> None:
    names = [stage.name for stage in verified.stages]
    assert names == ["authority", "relays", "consensus", "descriptors", "circuits"]
    times = [stage.after_s for stage in verified.stages]
    assert times == sorted(times)
    assert {name for path in verified.circuits for name in path} == set(network.relays)


@pytest.mark.parametrize("path", [("relay3", "authority", "relay1"), ("relay1", "relay2")])
def test_a_call_runs_over_exactly_the_circuit_that_was_asked_for(
    network: TorProcesses, agent: Agent, echo: int, path: tuple[str, ...]
) -> None:
    circuit = CallCircuit(agent)
    assert circuit.pin(path, [f"{network.service_address}:{echo}"]).path == path
    with connect_through_tor(network, network.service_address, echo) as connection:
        connection.sendall(b"voice")
        assert connection.recv(100) == b"voice"
    state = circuit.read()
    assert state.faults(path) == ()
    assert [stream.target for stream in state.streams] == [f"{network.service_address}:{echo}"]
    circuit.close()


def test_relays_themselves_tell_over_which_of_them_the_circuit_went(
    network: TorProcesses, agent: Agent, echo: int
) -> None:
    path = ("relay2", "authority", "relay3")
    with ExitStack() as stack:
        witnesses = {
            node: stack.enter_context(network.witness(node)) for node in ("caller", *network.relays)
        }
        for witness in witnesses.values():
            witness.ask(WatchCircuits(), Watching, 10)
        circuit = CallCircuit(agent)
        number = circuit.pin(path, [f"{network.service_address}:{echo}"]).number
        with connect_through_tor(network, network.service_address, echo) as connection:
            connection.sendall(b"voice")
            assert connection.recv(100) == b"voice"
        time.sleep(1.5)  # Tor tells every second.
        told = {
            node: witness.ask(TellCircuits(), CircuitsSeen, 10)
            for node, witness in witnesses.items()
        }
    client = told.pop("caller")
    seen = followed(number, client, told)
    assert [name for name, _ in seen] == list(path)
    assert [step.outbound is None for _, step in seen] == [False, False, True]
    assert min(step.cells_back for _, step in seen) > 2
    assert {each.nodelay.loaded for each in (client, *told.values())} == {False}
    circuit.close()


def test_pinning_again_ends_the_circuit_before(network: TorProcesses, agent: Agent) -> None:
    circuit = CallCircuit(agent)
    circuit.pin(("relay1", "relay2", "relay3"))
    second = circuit.pin(("relay2", "relay1", "relay3"))
    assert second.path == ("relay2", "relay1", "relay3")
    assert second.others == ()


def test_other_streams_than_the_calls_are_refused(
    network: TorProcesses, agent: Agent, echo: int
) -> None:
    circuit = CallCircuit(agent)
    path = ("relay1", "relay2", "relay3")
    circuit.pin(path, ["203.0.113.1:1194"])
    with pytest.raises(ConnectionError):
        connect_through_tor(network, network.service_address, echo)
    state = circuit.read()
    assert [stream.ended for stream in state.streams] == ["refused: not a target of this call"]
    assert state.faults(path) == ("no stream was carried by the circuit",)


def test_the_exit_serves_the_lab_and_nothing_else(
    network: TorProcesses, agent: Agent, echo: int
) -> None:
    CallCircuit(agent).pin(("relay1", "relay2", "relay3"))
    with socket.create_server(("127.0.0.1", 0)) as outside, pytest.raises(ConnectionError):
        connect_through_tor(network, "127.0.0.1", outside.getsockname()[1])


def test_without_a_pin_tor_finds_its_own_way(
    network: TorProcesses, verified: Bootstrap, echo: int
) -> None:
    with connect_through_tor(network, network.service_address, echo) as connection:
        connection.sendall(b"load")
        assert connection.recv(100) == b"load"


def test_a_path_over_an_unknown_relay_is_an_error_that_names_it(
    network: TorProcesses, agent: Agent
) -> None:
    circuit = CallCircuit(agent)
    with pytest.raises(LabError, match=r"circuit relay1-stranger: .*no relay is called stranger"):
        circuit.pin(("relay1", "stranger"))


def test_a_relay_that_dies_ends_the_calls_circuit_and_fails_the_next_verification() -> None:
    """It is in the consensus still."""
    path = ("relay1", "authority", "relay2")
    with tor_processes(relays=3) as network, network.circuits_agent() as agent:
        verify_bootstrap(agent, network.relays, started_at=network.started_at)
        circuit = CallCircuit(agent)
        circuit.pin(path)
        network.kill("relay2")
        ended = threading.Event()
        while circuit.read().ended is None:
            assert not ended.wait(0.1)
        assert "the circuit ended: DESTROYED" in circuit.read().faults(path)[0]
        with pytest.raises(BootstrapError, match=r"no circuit over .*relay2.*: the"):
            verify_bootstrap(
                agent, network.relays, started_at=network.started_at, circuits_deadline_s=0
            )


def test_a_relay_that_never_comes_is_named() -> None:
    with tor_processes(relays=3) as network, network.circuits_agent() as agent:
        network.kill("relay1")
        with pytest.raises(BootstrapError, match="has not heard of relay1") as error:
            verify_bootstrap(agent, network.relays, started_at=network.started_at, deadline_s=5)
        assert error.value.missing == ("relay1",)
