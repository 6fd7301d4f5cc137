"""What a net helper found in force is compared with what was asked for."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address

import pytest

from lab.errors import LabError
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
