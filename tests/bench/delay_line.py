"""Does a delay line take as long as it is asked to, how many packets a second, at what CPU?

Two hosts are made as nodes of a lab are, what one of them sends takes time, and numbered packets of
the size of a voice's are sent through. Each is stamped by the kernel as it enters the delay line
and as it leaves it, by one clock: the delay's error is what lies between, less the delay. CPU is
the delay line's own. The kernel's netem is measured in the same way where there is one.

    python tests/bench/delay_line.py [--seconds 4] [--delay-ms 100] [--rates 100,1000,5000,10000]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from docker import DockerClient
from two_hosts import DEADLINE_S, Host, TwoHosts, delay_line_beside, two_hosts

from lab.engine.client import connect
from lab.images.build import image_tag
from lab.measure.capture import read_capture
from lab.wire.shape import Direction, Shape, delay_device

PORT = 9
"""Nobody listens there; what arrives is captured."""
NOBODY = "65534:65534"
"""The image's tcpdump holds CAP_NET_RAW as a file capability."""
BUFFERED_S = 1.2
"""Within which the kernel hands on what it has captured."""
RATES_PER_S = (100, 1_000, 5_000, 10_000)
WITHIN_MS = 1.0
NETEM_RATE_PER_S = 1_000


@dataclass(frozen=True, slots=True)
class Passage:
    """What became of numbered packets."""

    sent: int
    delay_ms: npt.NDArray[np.float64]
    """Of those that arrived, in the order in which they were sent."""
    arrived: tuple[int, ...]
    """Their numbers, in the order in which they arrived."""

    @property
    def lost(self) -> int:
        """How many never arrived."""
        return self.sent - len(self.arrived)

    @property
    def overtaken(self) -> int:
        """How many arrived after one that was sent later."""
        latest, count = -1, 0
        for number in self.arrived:
            count += number < latest
            latest = max(latest, number)
        return count

    def late_ms(self, percentile: float, asked_ms: float) -> float:
        """By how much delays exceed `asked_ms`; of few packets the latest is no percentile."""
        return float(np.percentile(self.delay_ms, percentile, method="lower")) - asked_ms


def passage(
    hosts: TwoHosts, packets_per_s: float, seconds: float, *, received_late: bool = False
) -> Passage:
    """Send packets from one host to the other, through what the first sends on.

    `received_late`: through what the second receives, in place of that.
    """
    late, way = (hosts.receiver, Direction.IN) if received_late else (hosts.sender, Direction.OUT)
    device = delay_device("eth0", way)
    with tempfile.TemporaryDirectory() as directory:
        before, after = Path(directory) / "before", Path(directory) / "after"
        arrives = device if received_late else "eth0"
        with captured(late, device, "out", before), captured(hosts.receiver, arrives, "in", after):
            beat(hosts, packets_per_s, seconds)
            time.sleep(BUFFERED_S)
        entered, left = numbered(before), numbered(after)
    times = dict(left)
    delays = [(times[number] - at) / 1e6 for number, at in sorted(entered) if number in times]
    return Passage(len(entered), np.array(delays), tuple(number for number, _ in left))


def beat(hosts: TwoHosts, packets_per_s: float, seconds: float) -> int:
    """Send numbered packets; how many."""
    rate, last = str(packets_per_s), str(seconds)
    sending = hosts.sender.traffic("udp-beat", str(hosts.receiver.address), str(PORT), rate, last)
    text, _ = sending.communicate(timeout=DEADLINE_S)
    return int(json.loads(text)["packets"])


@contextmanager
def captured(host: Host, device: str, way: str, file: Path) -> Iterator[None]:
    """Capture what beats, at one device of a host, while the block runs."""
    name = f"{file.name}-{host.container[:12]}"
    command = ["docker", "run", "--rm", "--name", name, "--network", f"container:{host.container}"]
    command += ["--cap-drop", "ALL", "--cap-add", "NET_RAW", "--user", NOBODY, image_tag("net")]
    command += ["tcpdump", "-n", "-s", "64", "-B", "16384", "-Q", way, "-i", device]
    command += ["--time-stamp-precision=nano", "-w", "-", f"udp dst port {PORT}"]
    with file.open("wb") as to:
        dump = subprocess.Popen(command, stdout=to, stderr=subprocess.PIPE, text=True)
    assert dump.stderr
    said: list[str] = []
    while "listening" not in (line := dump.stderr.readline()):
        assert line, f"tcpdump did not start: {' '.join(said)}"
        said.append(line.strip())
    try:
        yield
    finally:
        stop = ["docker", "kill", "--signal", "INT", name]
        subprocess.run(stop, check=True, capture_output=True)
        dump.communicate(timeout=DEADLINE_S)


def numbered(file: Path) -> list[tuple[int, int]]:
    """Number and time, ns, of every packet of a capture, as they passed."""
    capture = read_capture(file)
    numbers = (int.from_bytes(capture.payload(n)[:4], "big") for n in range(len(capture)))
    return list(zip(numbers, map(int, capture.time_ns), strict=True))


def cpu_s(client: DockerClient, hosts: TwoHosts) -> float:
    """Processor time that the sender's delay line has used so far."""
    line = delay_line_beside(client, hosts.name, "2")
    stats = client.api.stats(line.id, stream=False, one_shot=True)
    return float(stats["cpu_stats"]["cpu_usage"]["total_usage"]) / 1e9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--delay-ms", type=float, default=100.0)
    parser.add_argument("--rates", default=",".join(map(str, RATES_PER_S)))
    options = parser.parse_args()
    client = connect()
    print("packets/s       n  lost   p50 ms   p99 ms   max ms  CPU % per 1,000/s")
    best = 0
    with two_hosts(client, delay_lines=True) as hosts:
        hosts.shape(Direction.OUT, Shape(delay_ms=options.delay_ms))
        for rate in map(int, options.rates.split(",")):
            used = cpu_s(client, hosts)
            found = passage(hosts, rate, options.seconds)
            used = cpu_s(client, hosts) - used
            late = [found.late_ms(share, options.delay_ms) for share in (50, 99, 100)]
            share = 100 * used / found.sent * 1000
            print(
                f"{rate:>9}  {found.sent:>6}  {found.lost:>4}  "
                + "  ".join(f"{ms:>7.3f}" for ms in late)
                + f"  {share:>8.2f}"
            )
            if late[1] <= WITHIN_MS and not found.lost:
                best = max(best, rate)
        print(f"highest rate within {WITHIN_MS:g} ms at p99: {best} packets/s")
        print(netem(hosts, options.delay_ms, options.seconds))


def netem(hosts: TwoHosts, delay_ms: float, seconds: float) -> str:
    """How the kernel's own way of delaying compares, or that it has none."""
    helper = ["docker", "run", "--rm", "--network", f"container:{hosts.receiver.container}"]
    helper += ["--cap-drop", "ALL", "--cap-add", "NET_ADMIN", image_tag("net")]
    code = (
        "from pyroute2 import IPRoute\n"
        "with IPRoute() as ipr:\n"
        f" ipr.tc('add', 'netem', ipr.link_lookup(ifname='eth0')[0], delay={delay_ms * 1000:.0f})"
    )
    done = subprocess.run([*helper, "python3", "-c", code], capture_output=True, check=False)
    if done.returncode:
        return "netem: this kernel has none, so there is no ratio"
    back = TwoHosts(hosts.name, hosts.receiver, hosts.sender)
    line, kernels = (since_sent_ms(pair, seconds) for pair in (hosts, back))
    ratios = [
        (np.percentile(line, share) - delay_ms) / (np.percentile(kernels, share) - delay_ms)
        for share in (50, 99)
    ]
    return (
        f"against netem at {NETEM_RATE_PER_S} packets/s, by the sender's clock: "
        f"{ratios[0]:.2f} times its error at the median, {ratios[1]:.2f} times at p99"
    )


def since_sent_ms(hosts: TwoHosts, seconds: float) -> npt.NDArray[np.float64]:
    """How long packets took from the sender's own reading of the clock."""
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "after"
        with captured(hosts.receiver, "eth0", "in", file):
            beat(hosts, NETEM_RATE_PER_S, seconds)
            time.sleep(BUFFERED_S)
        capture = read_capture(file)
        stamps = [int.from_bytes(capture.payload(n)[4:12], "big") for n in range(len(capture))]
        return np.array(capture.time_ns - np.array(stamps), np.float64) / 1e6


if __name__ == "__main__":
    main()
