"""What does each path of a call over several circuits cost a forwarder: CPU time and memory?

Both forwarders run on this host, through a SOCKS proxy, with no Tor between. Datagrams of the size
that OpenVPN makes of 20 ms of G.711 go both ways at their pace. CPU time is what a process took
while packets flowed, by its own account; memory is the most that it ever had.

    python tests/bench/path_costs.py [--seconds 20] [--paths 1,2,4,8] [--repeat 3]
"""

from __future__ import annotations

import argparse
import statistics
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "unit"))

from test_path_forwarder import Ends, ends

from lab.engine.agent import Agent
from lab.wire.paths import Carriage, Policy

DATAGRAM = bytes(240)
EVERY_S = 0.02
KEY = "ab" * 16


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--paths", default="1,2,4,8")
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    for policy in Policy:
        for paths in map(int, options.paths.split(",")):
            told = [
                cost(Carriage(paths, policy, True, KEY), options.seconds)
                for _ in range(options.repeat)
            ]
            cpu, memory = ([some[at] for some in told] for at in (0, 1))
            print(
                f"{policy}, {paths} paths: {statistics.median(cpu):.2f} % of a core "
                f"({min(cpu):.2f}-{max(cpu):.2f}), {max(memory):.1f} MiB, n = {len(told)} calls"
            )


def cost(carriage: Carriage, seconds: float) -> tuple[float, float]:
    """Of the one that took more: % of a core while packets flowed, MiB at most."""
    with ends(carriage) as call:
        call.client.send(DATAGRAM)
        _, sender = call.server.recvfrom(len(DATAGRAM))
        call.server.connect(sender)
        before = call.told()
        _flow(call, seconds)
        after = call.told()
        memory_mib = max(most_memory_mib(each) for each in (call.entering, call.leaving))
    cpu_pct = max(
        100 * (late.usage["cpu_s"] - early.usage["cpu_s"]) / seconds
        for early, late in zip(before, after, strict=True)
    )
    return cpu_pct, memory_mib


def most_memory_mib(agent: Agent) -> float:
    """Of its process alone: what it tells of itself may be that of the process it began as."""
    status = Path(f"/proc/{agent._process.pid}/status").read_text(encoding="ascii")
    (kib,) = (line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(kib) / 1024


def _flow(call: Ends, seconds: float) -> None:
    """Both ways, on one grid; what comes is read and thrown away."""
    began = time.monotonic()
    ended = threading.Event()

    def read() -> None:
        while not ended.is_set():
            call.client.recv(len(DATAGRAM))

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(round(seconds / EVERY_S)):
        time.sleep(max(0.0, began + number * EVERY_S - time.monotonic()))
        call.client.send(DATAGRAM)
        call.server.send(DATAGRAM)
        call.server.recv(len(DATAGRAM))
    ended.set()
    call.server.send(DATAGRAM)
    reader.join()


if __name__ == "__main__":
    main()
