"""A sweep, and every packet of its labs that the host sends anywhere else: there must be none.

    python tests/bench/packets_out.py [EXPERIMENT] [--quick]

Run as root, with the engine that is meant. In the engine's network namespace iptables counts
packets from any address that labs may have (`lab.engine.addresses.POOL`): all that go to a bridge,
which proves that it counts; those that are to be forwarded to what is no bridge, before any rule of
Docker's drops them; and those that leave on what is no bridge. The counter-check afterwards sends
some from such an address on purpose, which must be counted.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from what_is_left import engine_process

from lab.engine.addresses import POOL
from lab.engine.client import connect

LAB = str(Path(sys.executable).with_name("lab"))
BRIDGES = "br-+"
FROM_LABS = ("-s", str(POOL))
RULES = {
    "between nodes, over bridges": ("mangle", "POSTROUTING", (*FROM_LABS, "-o", BRIDGES)),
    "tried to leave": ("mangle", "FORWARD", (*FROM_LABS, "!", "-o", BRIDGES)),
    "left": ("mangle", "POSTROUTING", (*FROM_LABS, "!", "-o", BRIDGES, "!", "-d", str(POOL))),
}
"""What is counted → table, chain, and which packets."""
ON_PURPOSE = str(POOL[-2])
"""An address that no lab gets before the last one."""
TRIES = 3
SEND = """
import socket, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
    sender.bind((sys.argv[1], 0))
    for _ in range(int(sys.argv[3])):
        sender.sendto(b"", (sys.argv[2], 9))
"""


class Host:
    """The network namespace of the engine."""

    def __init__(self, pid: int) -> None:
        self._enter = ["nsenter", f"--net=/proc/{pid}/ns/net"]

    def run(self, *words: str) -> str:
        """What a command says there."""
        command = [*self._enter, *words]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Have the rules while the block lasts; they only count."""
        with ExitStack() as stack:
            for name, (table, chain, which) in RULES.items():
                rule = (*which, "-m", "comment", "--comment", name)
                self.run("iptables", "-t", table, "-I", chain, *rule)
                stack.callback(self.run, "iptables", "-t", table, "-D", chain, *rule)
            yield

    def counts(self) -> dict[str, int]:
        """Packets so far, by what is counted."""
        found = {}
        for name, (table, chain, _) in RULES.items():
            listed = self.run("iptables", "-t", table, "-L", chain, "-v", "-x", "-n")
            [line] = [line for line in listed.splitlines() if f"/* {name} */" in line]
            found[name] = int(line.split()[0])
        return found

    def send_on_purpose(self) -> None:
        """A few packets from an address of labs to where the default route leads."""
        gateway = self.run("ip", "route", "show", "default").split()[2]
        self.run("ip", "address", "add", f"{ON_PURPOSE}/32", "dev", "lo")
        try:
            self.run(sys.executable, "-c", SEND, ON_PURPOSE, gateway, str(TRIES))
        finally:
            self.run("ip", "address", "del", f"{ON_PURPOSE}/32", "dev", "lo")


def main(arguments: Sequence[str] | None = None) -> None:
    """Sweep, and print what was counted."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("experiment", nargs="?", default="table1")
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args(arguments)
    host = Host(engine_process(connect()))
    quick = ["--quick"] if options.quick else []
    with host.counting():
        status = subprocess.run(
            [LAB, "experiment", "run", options.experiment, *quick], check=False
        ).returncode
        found = host.counts()
        host.send_on_purpose()
        sent = host.counts()["left"] - found["left"]
    print(f"{options.experiment}, exit status {status}:")
    for name, count in found.items():
        print(f"  {name}: {count} packets")
    print(f"counter-check: {sent} of {TRIES} packets that were sent out on purpose were counted")


if __name__ == "__main__":
    main()
