"""A new lab takes the first block of addresses that nothing on the host uses."""

from __future__ import annotations

from ipaddress import IPv4Network

import pytest

from lab.engine.addresses import POOL, free_block, host_routes
from lab.errors import LabError

ROUTES = """\
Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t010011AC\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0
br-1\t0000800A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
tun0\t0000000A\t00000000\t0001\t0\t0\t0\t000000FF\t0\t0\t0
"""


def test_the_first_block_is_the_first_of_the_pool() -> None:
    assert free_block([], 20) == IPv4Network("10.128.0.0/20")


@pytest.mark.parametrize(
    ("taken", "expected"),
    [
        (["10.128.0.0/20"], "10.128.16.0/20"),
        (["10.128.3.0/24"], "10.128.16.0/20"),
        (["10.128.16.0/20"], "10.128.0.0/20"),
        (["10.128.0.0/19"], "10.128.32.0/20"),
        (["192.168.0.0/16"], "10.128.0.0/20"),
    ],
)
def test_a_block_that_overlaps_anything_is_left_out(taken: list[str], expected: str) -> None:
    assert free_block(map(IPv4Network, taken), 20) == IPv4Network(expected)


def test_a_larger_block_stands_beside_smaller_ones() -> None:
    taken = [IPv4Network("10.128.0.0/20"), IPv4Network("10.128.64.0/20")]
    assert free_block(taken, 18) == IPv4Network("10.128.128.0/18")
    assert free_block([*taken, free_block(taken, 18)], 20) == IPv4Network("10.128.16.0/20")


def test_a_route_over_the_whole_pool_leaves_no_block() -> None:
    with pytest.raises(LabError, match="no address block is free"):
        free_block([POOL.supernet()], 20)


def test_routes_of_the_host_without_its_default_route() -> None:
    expected = [IPv4Network(n) for n in ("172.17.0.0/16", "10.128.0.0/24", "10.0.0.0/8")]
    assert host_routes(ROUTES) == expected


def test_a_host_without_routes() -> None:
    assert host_routes("") == []
