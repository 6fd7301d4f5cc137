"""The parts of the agents in tor's nodes that need no tor."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from lab.agents.net.routes_ready import is_closed, wait_until_closed
from lab.agents.tor.authority import farthest_offset
from lab.agents.tor.builder import covering_paths
from lab.agents.tor.circuits import described
from lab.agents.tor.node import TorFiles, consensus_relays, prepare_data
from lab.wire.tor_network import IDLE_VOTING_INTERVAL_S

HEADER = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
LINK = "eth0\t0001A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
GATEWAY = "eth0\t00000000\t0101A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
NO_BRIDGE = "*\t0101A8C0\t00000000\t0205\t0\t0\t0\tFFFFFFFF\t0\t0\t0\n"
CLOSED = "*\t00000000\t00000000\t0201\t0\t0\t0\t00000000\t0\t0\t0\n"


@pytest.mark.parametrize(
    ("routes", "closed"),
    [
        ("", False),
        (LINK, False),
        (LINK + GATEWAY, False),
        (LINK + NO_BRIDGE, False),
        (LINK + NO_BRIDGE + CLOSED, True),
    ],
)
def test_a_node_is_ready_with_its_unreachable_default_route(routes: str, closed: bool) -> None:
    assert is_closed(HEADER + routes) is closed


def test_waiting_for_routes_has_an_end(tmp_path: Path) -> None:
    table = tmp_path / "route"
    table.write_text(HEADER + LINK)
    assert not wait_until_closed(table, deadline_s=0)
    table.write_text(HEADER + LINK + CLOSED)
    assert wait_until_closed(table, deadline_s=0)


@pytest.mark.parametrize(
    ("relays", "paths"),
    [
        ("abc", ["abc"]),
        ("abcd", ["abc", "dab"]),
        ("abcdef", ["abc", "def"]),
        ("ab", ["ab"]),
        ("", []),
    ],
)
def test_few_circuits_cross_every_relay(relays: str, paths: list[str]) -> None:
    assert ["".join(path) for path in covering_paths(list(relays))] == paths


def test_relays_are_read_from_a_consensus() -> None:
    digest = bytes(range(20))
    identity = base64.b64encode(digest).decode().rstrip("=")
    consensus = f"valid-after 2030-01-01\nr relay1 {identity} AAAA 2030-01-01 00:00:00 10.0.0.1\n"
    assert consensus_relays(consensus.encode()) == {digest.hex().upper()}


def test_relays_are_read_from_descriptors() -> None:
    text = b"router relay1 10.0.0.1 9001 0 0\nfingerprint ABCD EF01 2345\nuptime 1\n"
    assert described(text) == ["ABCDEF012345"]


@pytest.mark.parametrize("now", [0, 899, 900, 1799, 1_900_000_000])
def test_no_vote_by_the_clock_comes_while_the_network_starts(now: int) -> None:
    wait_s = (farthest_offset(now) - now) % IDLE_VOTING_INTERVAL_S
    assert wait_s == IDLE_VOTING_INTERVAL_S / 2


def test_keys_are_copied_so_that_only_tor_can_read_them(tmp_path: Path) -> None:
    files = TorFiles(tmp_path / "tor", tmp_path / "data")
    (files.configuration / "keys").mkdir(parents=True)
    (files.configuration / "keys" / "secret_id_key").write_bytes(b"secret")
    prepare_data(files)
    copied = files.data / "keys" / "secret_id_key"
    assert copied.read_bytes() == b"secret"
    modes = [path.stat().st_mode & 0o777 for path in (files.data, copied.parent, copied)]
    assert modes == [0o700, 0o700, 0o600]
