"""Runs iperf3 beside a machine, as server or as client, one measurement after the other."""

from __future__ import annotations

import subprocess
import time
from contextlib import ExitStack
from ipaddress import IPv4Address

from lab.agents.net.sockets import tcp_sockets
from lab.agents.probe.iperf import IperfError, client_command, measured, server_command
from lab.agents.probe.through_socks import ThroughSocks
from lab.wire.bandwidth import (
    BANDWIDTH,
    BandwidthMeasured,
    BandwidthServed,
    MeasureBandwidth,
    ServeBandwidth,
)
from lab.wire.line import Line
from lab.wire.messages import Failed
from lab.wire.sockets import TcpState

LOOPBACK = IPv4Address("127.0.0.1")
POLL_S = 0.05
LISTEN_DEADLINE_S = 10.0
BEYOND_S = 45.0
"""How much longer than data flows a measurement may take: its own words wait behind that data."""


class Server:
    """The iperf3 that waits, if one does."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def serve(self, order: ServeBandwidth) -> None:
        """Start one anew; return when it listens. IperfError where it does not."""
        self.end()
        self._process = process = subprocess.Popen(
            server_command(order), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        deadline = time.monotonic() + LISTEN_DEADLINE_S
        while not _listens(order):
            if process.poll() is not None:
                _, said = process.communicate()
                raise IperfError(f"iperf3 ended before it listened: {said.strip() or 'no reason'}")
            if time.monotonic() > deadline:
                raise IperfError(f"iperf3 did not listen within {LISTEN_DEADLINE_S:.0f} s")
            time.sleep(POLL_S)

    def end(self) -> None:
        """End it, where it has not ended by itself."""
        if self._process is not None:
            _end(self._process)
            self._process = None


def _listens(order: ServeBandwidth) -> bool:
    return any(
        (each.state, each.near, each.near_port) == (TcpState.LISTEN, order.address, order.port)
        for each in tcp_sockets()
    )


def measure(order: MeasureBandwidth, line: Line) -> BandwidthMeasured:
    """Have a client measure; IperfError where it does not, or the input ends meanwhile."""
    with ExitStack() as stack:
        address, port, forwarder = order.address, order.port, None
        if order.proxy:
            forwarder = stack.enter_context(ThroughSocks(address, port, order.proxy))
            address, port = LOOPBACK, forwarder.port
        try:
            deadline_s = order.omit_s + order.time_s + BEYOND_S
            return measured(_run(client_command(order, address, port), line, deadline_s))
        except IperfError as error:
            if forwarder and forwarder.failure:
                raise IperfError(forwarder.failure) from error
            raise


def _run(command: list[str], line: Line, deadline_s: float) -> str:
    """What a command writes; of one that fails, that, or else its complaints."""
    deadline = time.monotonic() + deadline_s
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8", errors="replace"
    )
    try:
        while True:
            try:
                told, complaints = process.communicate(timeout=POLL_S)
                return told.strip() or complaints
            except subprocess.TimeoutExpired:
                line.hear(0)
            if line.ended:
                raise IperfError("nobody waits for it any more")
            if time.monotonic() > deadline:
                raise IperfError(f"iperf3 had not ended after {deadline_s:.0f} s")
    finally:
        _end(process)


def _end(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        process.kill()
    process.wait()
    for pipe in (process.stdout, process.stderr):
        if pipe:
            pipe.close()


def main() -> None:
    """Answer orders until the input ends."""
    line = Line(BANDWIDTH)
    server = Server()
    try:
        while (order := line.hear()) is not None:
            try:
                if isinstance(order, ServeBandwidth):
                    server.serve(order)
                    line.say(BandwidthServed())
                else:
                    assert isinstance(order, MeasureBandwidth)
                    line.say(measure(order, line))
            except (IperfError, OSError) as error:
                line.say(Failed(str(error)))
    finally:
        server.end()


if __name__ == "__main__":
    main()
