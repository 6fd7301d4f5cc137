"""Makes the calls that compete with the measured one, straight or each in a tunnel of its own.

First order: {"calls": [[to, from], …], "spacing_s", "tunnels": [{"device", "files": {name: text}},
…], "socks_port": port or null}. With tunnels, one for each call, every one is opened first,
through Tor where there is a SOCKS port, and the calls begin when all are up:
{"event": "tunnels", "after_s"}. From then on see `lab.agents.load.streams`; with tunnels voice is
counted for each call, without for all together. Everything ends with the input.
"""

from __future__ import annotations

import os
import select
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab.agents.load import sipp
from lab.agents.load.streams import Death, Streams, end_all, serve
from lab.agents.vpn.openvpn import UP
from lab.wire.lines import hear, say

TUNNELS_DEADLINE_S = 120.0
TUNNEL_SPACING_S = 0.1
POLL_S = 0.1
SILENT_S = 30.0
"""A call from which nothing came for so long, after something had come, is taken for dead.
Where a link is shared by too many, some wait for seconds: that is no death."""


@dataclass
class Tunnel:
    """One OpenVPN client."""

    process: subprocess.Popen[str]
    up: threading.Event = field(default_factory=threading.Event)
    last: str = ""

    def follow(self) -> None:
        """Read what it says until it ends."""
        assert self.process.stdout
        for line in self.process.stdout:
            self.last = line.strip() or self.last
            if UP in line:
                self.up.set()


class Calls(Streams):
    """All calls of one load, made by one SIPp."""

    def __init__(self, order: dict[str, Any], directory: Path, tunnels: list[Tunnel]) -> None:
        super().__init__(len(order["calls"]))
        self.process: subprocess.Popen[bytes] | None = None
        self._calls: list[tuple[str, str]] = [(to, from_) for to, from_ in order["calls"]]
        self._spacing_s: float = order["spacing_s"]
        self._devices: list[str] = [tunnel["device"] for tunnel in order["tunnels"]]
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
        command = sipp.caller_command(self._directory, self._calls, self._spacing_s, self._log)
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


def start_tunnel(directory: Path, files: dict[str, str], socks_port: int | None) -> Tunnel:
    """Start one OpenVPN client in a directory of its own."""
    directory.mkdir(mode=0o700)
    for name, text in files.items():
        (directory / name).write_text(text)
    command = ["openvpn", "--cd", str(directory), "--config", "client.conf"]
    if socks_port:
        # A SOCKS user of its own, and so a circuit of its own.
        (directory / "socks").write_text(f"{directory.name}\n{directory.name}\n")
        command += ["--socks-proxy", "127.0.0.1", str(socks_port), "socks"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    tunnel = Tunnel(process)
    threading.Thread(target=tunnel.follow, daemon=True).start()
    return tunnel


def open_tunnels(order: dict[str, Any], directory: Path, tunnels: list[Tunnel]) -> bool:
    """Fill `tunnels`; whether all came up. Says so, or why not; ends early with the input."""
    began = time.monotonic()
    for number, spec in enumerate(order["tunnels"]):
        due = began + number * TUNNEL_SPACING_S
        if _input_within(due - time.monotonic()):
            return False
        path = directory / f"tunnel-{number}"
        tunnels.append(start_tunnel(path, spec["files"], order["socks_port"]))
    while not all(tunnel.up.is_set() for tunnel in tunnels):
        ended = [tunnel for tunnel in tunnels if tunnel.process.poll() is not None]
        waiting = sum(not tunnel.up.is_set() for tunnel in tunnels)
        if ended:
            say({"event": "failed", "reason": f"a tunnel ended: {ended[0].last}"})
            return False
        if time.monotonic() - began > TUNNELS_DEADLINE_S:
            last = next(tunnel.last for tunnel in tunnels if not tunnel.up.is_set())
            text = f"{waiting} of {len(tunnels)} tunnels did not come up; one said last: {last}"
            say({"event": "failed", "reason": text})
            return False
        if _input_within(POLL_S):
            return False
    if tunnels:
        say({"event": "tunnels", "after_s": time.monotonic() - began})
    return True


def _input_within(timeout_s: float) -> bool:
    """Whether anything came on the input; while tunnels open that can only be its end."""
    return bool(select.select([sys.stdin], [], [], max(0.0, timeout_s))[0])


def main() -> None:
    """Serve one load."""
    order = hear()
    if order is None:
        return
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        sipp.prepare(directory)
        tunnels: list[Tunnel] = []
        calls = Calls(order, directory, tunnels)
        try:
            if open_tunnels(order, directory, tunnels):
                serve(calls, order["spacing_s"])
            else:
                hear()
        finally:
            end_all([calls.process] if calls.process else [])
            end_all([tunnel.process for tunnel in tunnels])


if __name__ == "__main__":
    main()
