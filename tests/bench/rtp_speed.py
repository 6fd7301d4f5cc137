"""Packets per second of `lab rtp` against tshark and scapy, on the same captures in one run.

    python tests/bench/rtp_speed.py [--packets 100000] [--rounds 3]

Each reader finds the RTP streams of a capture and their loss and jitter; the programs are
timed as a user waits for them, with their start. scapy only parses every packet down to RTP:
it has no analysis. `pip install .[bench]` and `apt install tshark` provide what is compared.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

from forged_packets import Frame, pcap, voice

LAB = str(Path(sys.executable).with_name("lab"))
SCAPY = """
import sys
from scapy.layers.inet import IP, UDP
from scapy.layers.rtp import RTP
from scapy.packet import bind_layers
from scapy.utils import PcapReader
bind_layers(UDP, RTP, dport=5000)
bind_layers(UDP, RTP, dport=4000)
seen = {}
for packet in PcapReader(sys.argv[1]):
    if RTP in packet:
        seen.setdefault(packet[RTP].sourcesync, []).append(packet[RTP].sequence)
"""


def call_capture(packets: int, *, one_length: bool) -> bytes:
    """Calls of 3000 packets one after another; payloads all of one length, or all different."""
    frames: list[Frame] = []
    for number in range(-(-packets // 3000)):
        sizes = [160 if one_length else 60 + (n * 37) % 100 for n in range(3000)]
        frames += voice(
            3000,
            ssrc=number + 1,
            payloads=[bytes(size) for size in sizes],
            delays_ms=[(n * 7919 % 100) / 10 for n in range(3000)],
            start_ns=1_700_000_000_000_000_000 + number * 60_000_000_000,
        )
    return pcap(frames[:packets])


def readers(path: Path) -> dict[str, list[str]]:
    """Command lines by name, those that this machine has."""
    found = {"lab rtp": [LAB, "rtp", "--json", str(path)]}
    if shutil.which("tshark"):
        decode = ["-d", "udp.port==5000,rtp", "-q", "-z", "rtp,streams"]
        found["tshark"] = ["tshark", "-nr", str(path), *decode]
    else:
        print("tshark is not installed: not compared", file=sys.stderr)
    if find_spec("scapy"):
        found["scapy"] = [sys.executable, "-c", SCAPY, str(path)]
    else:
        print("scapy is not installed: not compared", file=sys.stderr)
    return found


def seconds(line: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(line, check=True, capture_output=True)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--packets", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        for kind in ("packets of one length", "packets of changing length"):
            path = Path(directory) / "bench.pcap"
            path.write_bytes(call_capture(options.packets, one_length="one" in kind))
            commands = readers(path)
            times: dict[str, list[float]] = {name: [] for name in commands}
            for _ in range(options.rounds):
                for name, line in commands.items():
                    times[name].append(seconds(line))
            print(f"{options.packets} {kind}, median of {options.rounds} rounds, start included:")
            ours = statistics.median(times["lab rtp"])
            for name, values in times.items():
                median = statistics.median(values)
                print(
                    f"  {name:8} {median:7.2f} s ({min(values):.2f}-{max(values):.2f})"
                    f"  {options.packets / median:10,.0f} packets/s  {median / ours:6.2f} x lab rtp"
                )


if __name__ == "__main__":
    main()
