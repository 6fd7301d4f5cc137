"""How much later is a delay line beside busy containers, with its own slice and an ordinary one?

Linux gives a task that wakes the processor at once where its slice is shorter than that of the task
that runs; a delay line asks for the shortest (Linux 6.12 and later; older kernels take no notice,
and the ratio is about 1). Busy containers of ordinary weight work for 2 ms and rest for 1 ms, more
of them than there are processors. By turns the line keeps its own slice, and is given back the
ordinary one from outside, which takes root.

    sudo python tests/bench/delay_line_busy.py [--rounds 10] [--busy 4] [--rate 100] [--seconds 4]
"""

from __future__ import annotations

import argparse
import ctypes
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from delay_line import passage
from docker import DockerClient
from scipy import stats
from two_hosts import delay_line_beside, two_hosts

from lab.engine.client import connect
from lab.images.build import image_tag
from lab.wire.shape import Direction, Shape

DELAY_MS = 100.0
SCHED_SETATTR = {"x86_64": 314, "aarch64": 274}
OWN_NS = 100_000
"""As `SLICE_NS` in images/delay-line/delay_line.c."""
ORDINARY_NS = 0
"""The kernel's own choice."""
BUSY = """
import time
while True:
    until = time.monotonic() + 0.002
    while time.monotonic() < until:
        pass
    time.sleep(0.001)
"""


class SchedAttr(ctypes.Structure):
    """`struct sched_attr` of linux/sched/types.h, without utilisation clamps."""

    _fields_ = (
        *(("size", ctypes.c_uint32), ("policy", ctypes.c_uint32), ("flags", ctypes.c_uint64)),
        *(("nice", ctypes.c_int32), ("priority", ctypes.c_uint32)),
        *(("runtime", ctypes.c_uint64), ("deadline", ctypes.c_uint64), ("period", ctypes.c_uint64)),
    )


def give_slice(pid: int, ns: int) -> None:
    """Let a task of the ordinary policy have slices of `ns`; OSError where that is refused."""
    wanted = SchedAttr(size=ctypes.sizeof(SchedAttr), runtime=ns)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(SCHED_SETATTR[platform.machine()], pid, ctypes.byref(wanted), 0):
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))


def line_pid(client: DockerClient, lab: str) -> int:
    """The process, on the host, of the delay line beside the sender."""
    processes = delay_line_beside(client, lab, "2").top()
    column = processes["Titles"].index("PID")
    return next(
        int(row[column]) for row in processes["Processes"] if row[-1].endswith("delay-line")
    )


@contextmanager
def busy(client: DockerClient, count: int) -> Iterator[None]:
    """Keep `count` containers at work while the block runs."""
    running = [
        client.containers.run(
            image_tag("net"), ["python3", "-c", BUSY], detach=True, network_mode="none", init=True
        )
        for _ in range(count)
    ]
    try:
        yield
    finally:
        for container in running:
            container.remove(force=True)


def main() -> None:
    """Print the lateness of each turn, and by what the ordinary slice multiplies it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--busy", type=int, default=4)
    parser.add_argument("--rate", type=float, default=100.0)
    parser.add_argument("--seconds", type=float, default=4.0)
    options = parser.parse_args()
    client = connect()
    print(f"late, ms     own p50    p99  ordinary p50    p99   {os.uname().release}")
    ratios = []
    with two_hosts(client, delay_lines=True) as hosts, busy(client, options.busy):
        hosts.shape(Direction.OUT, Shape(delay_ms=DELAY_MS))
        pid = line_pid(client, hosts.name)
        for number in range(options.rounds):
            late = {}
            for ns in (OWN_NS, ORDINARY_NS) if number % 2 else (ORDINARY_NS, OWN_NS):
                give_slice(pid, ns)
                found = passage(hosts, options.rate, options.seconds)
                late[ns] = [found.late_ms(share, DELAY_MS) for share in (50, 99)]
            (own50, own99), (other50, other99) = late[OWN_NS], late[ORDINARY_NS]
            ratios.append(other99 / own99)
            print(f"{'':12}{own50:8.3f}{own99:7.3f}{other50:14.3f}{other99:7.3f}", flush=True)
    logs = np.log(ratios)
    print(f"an ordinary slice makes p99 {np.exp(logs.mean()):.2f} times as late, n = {len(logs)}")
    if len(logs) > 1:
        low, high = stats.t.interval(0.95, len(logs) - 1, loc=logs.mean(), scale=stats.sem(logs))
        print(f"95 % interval {np.exp(low):.2f} to {np.exp(high):.2f}, of the geometric mean")


if __name__ == "__main__":
    main()
