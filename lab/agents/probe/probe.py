"""Captures and pings beside a node during a call; tcpdump and ping alone get CAP_NET_RAW.

First order: {"captures": [{"point", "address" or "interface", "file", "filter"}],
"ping": {"source", "target"} or null, "timer": whether to watch the host's scheduling}.
Answer {"event": "started"} when every capture runs. The next order, or the end of the input,
ends it all: {"event": "stopped", "captures": {point: {"captured", "dropped"}}, "ping":
{"sent", "received", "rtt_ms": [...]}, "timer": {"p99_ms", "max_ms", "clock_shift_ms"}}; null
for what was not asked for.
"""

from __future__ import annotations

import fcntl
import re
import signal
import socket
import struct
import subprocess
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from lab.agents.probe.timer import LatenessTimer
from lab.wire.lines import hear, say

SIOCGIFADDR = 0x8915
"""<linux/sockios.h>, see netdevice(7)."""
BUFFER_KIB = 8192
SNAPSHOT_BYTES = 2048
"""All of a packet on links with an MTU of 1500, and of segments that offloading has joined, what
identifies them. The kernel's buffer has a place of this size for every packet, however short: with
tcpdump's usual 256 KiB it held 128 packets, and a stall of this host soon lost one."""
PING_INTERVAL_S = 1
START_DEADLINE_S = 10
STOP_DEADLINE_S = 5


@dataclass
class Capture:
    """One running tcpdump and what it says."""

    point: str
    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)
    listening: threading.Event = field(default_factory=threading.Event)

    def follow(self) -> None:
        """Read tcpdump's remarks until it ends."""
        assert self.process.stderr
        for line in self.process.stderr:
            self.lines.append(line.strip())
            if "listening on" in line:
                self.listening.set()
        self.listening.set()

    def stop(self) -> dict[str, int | None]:
        """End the capture as ^C would and return its own counters."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(STOP_DEADLINE_S)
        text = "\n".join(self.lines)
        return {
            "captured": _number(r"(\d+) packets? captured", text),
            "dropped": _number(r"(\d+) packets? dropped by kernel", text),
        }


def main() -> None:
    """Serve one call."""
    order = hear()
    if order is None:
        return
    captures = [_start_capture(spec) for spec in order["captures"]]
    for capture in captures:
        capture.listening.wait(START_DEADLINE_S)
        if capture.process.poll() is not None:
            say({"error": f"tcpdump at {capture.point}: {' '.join(capture.lines)}"})
            return
    ping = _start_ping(order["ping"]) if order.get("ping") else None
    timer = LatenessTimer() if order.get("timer") else None
    say({"event": "started"})
    hear()
    lateness = timer.stop() if timer else None
    say(
        {
            "event": "stopped",
            "captures": {capture.point: capture.stop() for capture in captures},
            "ping": _stop_ping(ping) if ping else None,
            "timer": lateness,
        }
    )


def _start_capture(spec: dict[str, Any]) -> Capture:
    interface = spec.get("interface") or _interface_of(spec["address"])
    command = ["tcpdump", "-n", "-U", "-B", str(BUFFER_KIB)]
    command += ["-s", str(SNAPSHOT_BYTES), "--immediate-mode", "--time-stamp-precision=nano"]
    command += ["-i", interface, "-w", spec["file"], spec["filter"]]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    capture = Capture(spec["point"], process)
    threading.Thread(target=capture.follow, daemon=True).start()
    return capture


def _interface_of(address: str) -> str:
    """Asked of the kernel directly: to import pyroute2 takes longer than all else a probe does."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        for _, name in socket.if_nameindex():
            request = struct.pack("256s", name.encode())
            with suppress(OSError):  # An interface without an address.
                answer = fcntl.ioctl(asking, SIOCGIFADDR, request)
                if socket.inet_ntoa(answer[20:24]) == address:
                    return name
    raise SystemExit(f"no interface of this node has the address {address}")


def _start_ping(spec: dict[str, Any]) -> subprocess.Popen[str]:
    command = ["ping", "-n", "-i", str(PING_INTERVAL_S), "-I", spec["source"], spec["target"]]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def _stop_ping(process: subprocess.Popen[str]) -> dict[str, Any]:
    process.send_signal(signal.SIGINT)
    text, _ = process.communicate(timeout=STOP_DEADLINE_S)
    return {
        "sent": _number(r"(\d+) packets transmitted", text),
        "received": _number(r"(\d+) received", text),
        "rtt_ms": [float(value) for value in re.findall(r"time=([\d.]+) ms", text)],
    }


def _number(pattern: str, text: str) -> int | None:
    match = re.search(pattern, text)
    return int(match[1]) if match else None


if __name__ == "__main__":
    main()
