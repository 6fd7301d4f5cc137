"""A program that takes tcpdump's place for live captures: what it captures, a test has written."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from forged_packets import Frame, pcap

from lab.engine.agent import Agent
from lab.wire.live_capture import LIVE_CAPTURE
from lab.wire.pcap_stream import HEADER_BYTES

PROGRAM = """
import os, pathlib, signal, sys, threading
here = pathlib.Path(__file__).parent
ended = threading.Event()
signal.signal(signal.SIGINT, lambda *_: ended.set())
(here / "asked").write_text(" ".join(sys.argv[1:]))
(here / "pid").write_text(str(os.getpid()))


def write(part):
    data = (here / part).read_bytes()
    while data:
        data = data[os.write(1, data) :]


if (here / "refuses").exists():
    sys.exit("tcpdump: can't parse filter expression: syntax error")
write("header")
print("tcpdump: listening on", sys.argv[sys.argv.index("-i") + 1], file=sys.stderr, flush=True)
write("first")
while (here / "floods").exists() and not ended.is_set():
    write("first")
if (here / "fails").exists():
    sys.exit("tcpdump: pcap_loop: The interface disappeared")
ended.wait()
write("last")
print("7 packets captured", "2 packets dropped by kernel", sep="\\n", file=sys.stderr)
"""
REFUSES, FLOODS, FAILS = "refuses", "floods", "fails"
"""Ends before it listens; captures `first` again and again; ends by itself."""


class StandIn:
    """A directory with such a program, that captures `first` at once and `last` when it ends."""

    def __init__(
        self, directory: Path, first: Sequence[Frame], last: Sequence[Frame] = (), *faults: str
    ) -> None:
        self.directory = directory
        program = directory / "tcpdump"
        program.write_text(f"#!{sys.executable}\n{PROGRAM}")
        program.chmod(0o755)
        self.header = pcap([], tick_ns=1)
        self.first, self.last = (pcap(part, tick_ns=1)[HEADER_BYTES:] for part in (first, last))
        for name in ("header", "first", "last"):
            (directory / name).write_bytes(getattr(self, name))
        for fault in faults:
            (directory / fault).touch()

    @property
    def path_variable(self) -> str:
        """The value of PATH under which it is found first."""
        return f"{self.directory}{os.pathsep}{os.environ['PATH']}"

    @property
    def command(self) -> list[str]:
        """Starts the agent that starts it."""
        path = f"PATH={self.path_variable}"
        return ["env", path, sys.executable, "-m", f"lab.agents.{LIVE_CAPTURE.program}"]

    @property
    def pid(self) -> int:
        """Of the last one that was started."""
        return int((self.directory / "pid").read_text())

    def runs(self) -> bool:
        """Whether it does so still."""
        try:
            state = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return False
        return state != "Z"

    def ends_within(self, deadline_s: float) -> bool:
        """Wait until it has ended, or until then."""
        deadline = time.monotonic() + deadline_s
        while self.runs() and time.monotonic() < deadline:
            time.sleep(0.02)
        return not self.runs()

    def agent(self, most_waiting: int | None = None) -> Agent:
        """The agent, started."""
        return Agent("capture beside caller", self.command, LIVE_CAPTURE, (), most_waiting)
