"""iperf3's command lines and what it reports, as of version 3.12."""

from __future__ import annotations

import json
from collections.abc import Mapping
from ipaddress import IPv4Address
from typing import Any

from lab.wire.bandwidth import BandwidthMeasured, MeasureBandwidth, ServeBandwidth

CONNECT_TIMEOUT_MS = 10_000


class IperfError(Exception):
    """iperf3 measured nothing; the message says why, in its own words where it has any."""


def server_command(order: ServeBandwidth) -> list[str]:
    """The command line of a server that ends after one measurement."""
    where = ["--bind", str(order.address), "--port", str(order.port)]
    return ["iperf3", "--server", "--one-off", "--version4", *where]


def client_command(order: MeasureBandwidth, address: IPv4Address, port: int) -> list[str]:
    """The command line of a client that connects to an address, be it the server's or not."""
    command = ["iperf3", "--client", str(address), "--port", str(port), "--version4", "--json"]
    command += ["--connect-timeout", str(CONNECT_TIMEOUT_MS)]
    command += ["--omit", str(order.omit_s), "--time", str(order.time_s)]
    command += ["--reverse"] if order.down else []
    command += ["--bind", str(order.source)] if order.source else []
    return command


def measured(report: str) -> BandwidthMeasured:
    """What the receiver got, by a client's JSON; IperfError where it got nothing it told of."""
    try:
        told: Any = json.loads(report)
    except ValueError:
        raise IperfError(f"iperf3 said no JSON: {report.strip()[:80] or 'nothing'}") from None
    if not isinstance(told, Mapping):
        raise IperfError("iperf3 made no report")
    if "error" in told:
        raise IperfError(f"iperf3: {told['error']}")
    try:
        received = float(told["end"]["sum_received"]["bits_per_second"])
        return BandwidthMeasured(received / 1000, str(told["start"]["version"]))
    except (KeyError, TypeError, ValueError):
        raise IperfError("iperf3 did not report what was received") from None
