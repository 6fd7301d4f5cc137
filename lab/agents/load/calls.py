"""Makes the calls that compete with the measured one, straight or each in a tunnel of its own.

With tunnels, one for each call, every one is opened first, through Tor where there is a SOCKS port,
and the calls begin when all are up; then voice is counted for each call, without for all together.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from pathlib import Path

from lab.agents.load import sipp
from lab.agents.load.streams import Streams, end_all, serve
from lab.agents.vpn.openvpn import OpenVpn
from lab.wire.line import Line
from lab.wire.load import CALLS, Death, MakeCalls, TunnelClient, TunnelsUp
from lab.wire.messages import Failed

TUNNELS_DEADLINE_S = 120.0
TUNNEL_SPACING_S = 0.1
POLL_S = 0.1
SILENT_S = 30.0
"""A call from which nothing came for so long, after something had come, is taken for dead.
Where a link is shared by too many, some wait for seconds: that is no death."""


class Calls(Streams):
    """All calls of one load, made by one SIPp."""

    def __init__(self, order: MakeCalls, directory: Path, tunnels: list[OpenVpn]) -> None:
        super().__init__(len(order.calls))
        self.process: subprocess.Popen[bytes] | None = None
        self._order = order
        self._devices = [tunnel.device for tunnel in order.tunnels]
        self._directory = directory
        self._tunnels = tunnels
        self._packets: list[int] = []
        self._heard_at: list[float | None] = []
        """When voice came last, Unix seconds; None before there was any."""
        self._dead: set[int] = set()

    def start_next(self) -> None:
        """Let SIPp begin with the first; it spaces the others by itself."""
        if self.process is not None:
            return
        order = self._order
        command = sipp.caller_command(self._directory, order.calls, order.spacing_s, self._log)
        self.process = subprocess.Popen(
            command,
            cwd=self._directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "TERM": "dumb"},
        )

    def connected(self) -> int:
        """Calls that were answered and have not died."""
        answered = self._log.read_text().count(sipp.ANSWERED) if self._log.exists() else 0
        return answered - len(self._dead)

    def counted_bytes(self) -> list[int]:
        """RTP that came for each call, or for all."""
        if self._devices:
            packets = received_by_device(Path("/proc/net/dev").read_text(), self._devices)
        else:
            packets = [sipp.received_packets(Path("/proc/net/udp").read_text())]
        now = time.time()
        if not self._packets:
            self._packets, self._heard_at = packets, [None] * len(packets)
        for number, received in enumerate(packets):
            if received > self._packets[number]:
                self._packets[number], self._heard_at[number] = received, now
        return [received * sipp.RTP_BYTES for received in self._packets]

    def deaths(self, now: float) -> list[Death]:
        """Calls whose SIPp or OpenVPN has ended, or for which nothing comes any more."""
        found = []
        for number in range(len(self._packets)):
            reason = None
            heard_at = self._heard_at[number]
            if self._tunnels and self._tunnels[number].process.poll() is not None:
                reason = f"OpenVPN ended: {self._tunnels[number].last}"
            elif self.process and self.process.poll() is not None:
                reason = f"SIPp ended with status {self.process.returncode}"
            elif heard_at is not None and now - heard_at > SILENT_S:
                reason = f"nothing came for {SILENT_S:.0f} s"
            if reason and number not in self._dead:
                self._dead.add(number)
                found.append(Death(number, now, reason))
        return found

    @property
    def _log(self) -> Path:
        return self._directory / "calls.log"


def received_by_device(table: str, devices: list[str]) -> list[int]:
    """Packets that came through each tunnel, of /proc/net/dev given as text."""
    received = {}
    for line in table.splitlines()[2:]:
        name, _, numbers = line.partition(":")
        received[name.strip()] = int(numbers.split()[1])
    return [received.get(device, 0) for device in devices]


def start_tunnel(directory: Path, client: TunnelClient, socks_port: int | None) -> OpenVpn:
    """Start one OpenVPN client in a directory of its own."""
    directory.mkdir(mode=0o700)
    for name, text in client.files.items():
        (directory / name).write_text(text)
    options = ["--cd", str(directory), "--config", "client.conf"]
    if socks_port:
        # A SOCKS user of its own, and so a circuit of its own.
        (directory / "socks").write_text(f"{directory.name}\n{directory.name}\n")
        options += ["--socks-proxy", "127.0.0.1", str(socks_port), "socks"]
    return OpenVpn(options)


def open_tunnels(line: Line, order: MakeCalls, directory: Path, tunnels: list[OpenVpn]) -> bool:
    """Fill `tunnels`; whether all came up. Says so, or why not; ends early with the orders."""
    began = time.monotonic()
    for number, client in enumerate(order.tunnels):
        line.hear(max(0.0, began + number * TUNNEL_SPACING_S - time.monotonic()))
        if line.ended:
            return False
        tunnels.append(start_tunnel(directory / f"tunnel-{number}", client, order.socks_port))
    while waiting := [tunnel for tunnel in tunnels if not tunnel.up]:
        if ended := [tunnel for tunnel in tunnels if tunnel.process.poll() is not None]:
            line.say(Failed(f"a tunnel ended: {ended[0].last}"))
            return False
        if time.monotonic() - began > TUNNELS_DEADLINE_S:
            text = f"{len(waiting)} of {len(tunnels)} tunnels did not come up; one said last: "
            line.say(Failed(text + waiting[0].last))
            return False
        line.hear(POLL_S)
        if line.ended:
            return False
    if tunnels:
        line.say(TunnelsUp(time.monotonic() - began))
    return True


def main() -> None:
    """Serve one load."""
    line = Line(CALLS)
    order = line.hear_first(MakeCalls)
    if order is None:
        return
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        sipp.prepare(directory)
        tunnels: list[OpenVpn] = []
        calls = Calls(order, directory, tunnels)
        try:
            if open_tunnels(line, order, directory, tunnels):
                serve(line, calls, order.spacing_s)
            else:
                line.wait_for_end()
        finally:
            end_all([calls.process] if calls.process else [])
            end_all([tunnel.process for tunnel in tunnels])


if __name__ == "__main__":
    main()
