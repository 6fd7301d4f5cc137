"""What a net helper found in force is compared with what was asked for."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address

import pytest

from lab.errors import LabError
from lab.lifecycle.tor_complaints import complaints
from lab.lifecycle.verify import check_network
from lab.wire.network import LinkRate, NetworkInForce

LINK = LinkRate("home", IPv4Address("10.9.0.2"), "eth0", 10_000, 10_000, None)
FOUND = NetworkInForce("caller", (LINK,), None, ("cubic",), closed=True)


def test_what_was_asked_for_is_well() -> None:
    check_network(FOUND, "cubic")


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (replace(FOUND, closed=False), "caller has no unreachable default route"),
        (replace(FOUND, congestion_control=()), "TCP of caller goes by the host's own"),
        (replace(FOUND, congestion_control=("bbr",)), "TCP of caller goes by bbr, not by cubic"),
        (
            replace(FOUND, links=(replace(LINK, rate_in_force_kbps=None),)),
            "the link of caller to home is capped at None kbit/s, not at 10000",
        ),
    ],
)
def test_what_is_otherwise_is_named(found: NetworkInForce, message: str) -> None:
    with pytest.raises(LabError, match=message):
        check_network(found, "cubic")


LOG = """\
Nov 27 21:01:55.000 [warn] We just marked ourself as down. Are your external addresses reachable?
Nov 27 21:01:56.000 [warn] Unable to parse networkstatus consensus
Nov 27 21:01:57.000 [notice] Bootstrapped 10% (conn_done): Connected to a relay
"""


def test_what_a_tor_cannot_read_is_told_in_its_own_words() -> None:
    logs = {"caller": LOG, "relay1": "Nov 27 21:01:56.000 [warn] It is late\n"}
    said = complaints(logs, logs.__getitem__)
    assert said == "; the Tor of caller says: 'Unable to parse networkstatus consensus'"
