"""What the emulation itself adds: one-way delay and pacing of direct SIP on an idle host.

    python tests/bench/emulation_floor.py [--topology paper] [--calls 3] [--pings 200]

Brings a lab of its own up and takes it down. Compared in the same run with a bare ping on the
same path without a call: half its round trip is what the hops cost, and what a packet of voice
takes longer is the PBX and the wait for a processor.
"""

from __future__ import annotations

import argparse
import re
import secrets
import statistics
import subprocess
from dataclasses import dataclass
from ipaddress import IPv4Address

from lab.calls.call import make_call
from lab.engine.client import connect
from lab.lifecycle.down import down
from lab.lifecycle.ready import ReadyLab, open_lab
from lab.lifecycle.up import up
from lab.measure.call.notes import CallPlan
from lab.measure.record import CallRecord

PING_INTERVAL_S = 0.02


@dataclass(frozen=True, slots=True)
class Ping:
    """Round trips of bare pings on an idle path."""

    target: str
    rtt_ms: list[float]

    def __str__(self) -> str:
        half = sorted(rtt / 2 for rtt in self.rtt_ms)
        p95 = half[int(0.95 * len(half))]
        return (
            f"RTT/2 to {self.target}: median {statistics.median(half):.3f} ms, "
            f"95 % {p95:.3f} ms, max {half[-1]:.3f} ms (n = {len(half)})"
        )


def ping(lab: ReadyLab, name: str, address: IPv4Address, count: int) -> Ping:
    """Ping from the caller, by a helper in its network namespace."""
    caller = lab.running.node(lab.caller.name).container_id
    command = ["docker", "run", "--rm", "--network", f"container:{caller}"]
    command += ["--cap-drop", "ALL", "--cap-add", "NET_RAW", "--read-only", lab.net_image]
    command += ["ping", "-n", "-c", str(count), "-i", str(PING_INTERVAL_S), str(address)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return Ping(name, [float(value) for value in re.findall(r"time=([\d.]+) ms", done.stdout)])


def show(record: CallRecord) -> str:
    """One call in a line."""
    return (
        f"{'valid' if record.valid else 'INVALID: ' + '; '.join(record.invalid_reasons)}: "
        f"one-way delay caller→callee {record.callee_owd_ms_p50:.3f} / "
        f"{record.callee_owd_ms_p95:.3f} / {record.callee_owd_ms_max:.3f} ms, "
        f"back {record.caller_owd_ms_p50:.3f} / {record.caller_owd_ms_p95:.3f} / "
        f"{record.caller_owd_ms_max:.3f} ms (median / 95 % / max); "
        f"senders late by {record.pacing_ms_p99:.2f} ms (99 %), {record.pacing_ms_max:.2f} ms (max)"
    )


def main() -> None:
    """Print the pings, every call, and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--topology", default="paper")
    parser.add_argument("--calls", type=int, default=3)
    parser.add_argument("--pings", type=int, default=200)
    options = parser.parse_args()
    client = connect()
    name = f"bench-{secrets.token_hex(3)}"
    records = []
    try:
        up(client, options.topology, name)
        lab = open_lab(client, name)
        callee = lab.callee.links[0].address
        gateway = lab.caller.routes[0].via
        near = ping(lab, "the caller's gateway (1 link)", gateway, options.pings)
        far = ping(lab, "the callee (the whole path)", callee, options.pings)
        print(near, far, sep="\n", flush=True)
        for _ in range(options.calls):
            records.append(make_call(lab, CallPlan("sip")))
            print(show(records[-1]), flush=True)
    finally:
        down(client, name)
    delays = [
        delay
        for record in records
        for delay in (record.callee_owd_ms_p50, record.caller_owd_ms_p50)
        if record.valid and delay is not None
    ]
    if delays:
        voice, bare = statistics.median(delays), statistics.median(far.rtt_ms) / 2
        print(
            f"voice takes {voice:.3f} ms, {voice / bare:.1f} "
            f"times a bare packet on the same path (n = {len(delays)} directions)"
        )


if __name__ == "__main__":
    main()
