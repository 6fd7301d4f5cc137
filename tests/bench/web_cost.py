"""What a viewer of `lab web` costs: valid calls, processor time, memory, first paint.

    python tests/bench/web_cost.py [--calls 20] [--seconds 10] [--method sip] [--path /]

Brings a lab of its own up. Calls are made by turns without a page, and with one browser on it,
which runs on this host, too. Prints the share of valid calls of both with Wilson intervals and
their ratio, the load of the host during the calls, the processor time of page and browser, the
page's memory, and how long the browser took to its first paint.
"""

from __future__ import annotations

import argparse
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from urllib.parse import urlsplit

from docker import DockerClient
from playwright.sync_api import sync_playwright

from lab.calls.call import make_call
from lab.engine.client import connect
from lab.lifecycle.down import down
from lab.lifecycle.ready import ReadyLab, open_lab
from lab.lifecycle.up import up
from lab.measure.call.notes import CallPlan
from lab.measure.record import CallRecord
from lab.measure.statistics import Interval, mean_interval, share_interval

LAB = Path(sys.executable).with_name("lab")
TICKS = os.sysconf("SC_CLK_TCK")
PAINTED = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
LOOKED_S = 5.0
"""How long the page is looked at before a call begins."""


@dataclass(slots=True)
class Calls:
    """The calls of one kind, and what they cost beside."""

    records: list[CallRecord] = field(default_factory=list)
    host_percent: list[float] = field(default_factory=list)
    """Of all cores, per call, as its record has it."""
    page_percent: list[float] = field(default_factory=list)
    """Of one core, the page's own process, per call."""
    browser_percent: list[float] = field(default_factory=list)

    @property
    def valid(self) -> int:
        """How many were valid."""
        return sum(record.valid for record in self.records)

    @property
    def share(self) -> Interval:
        """Of valid ones."""
        return share_interval(self.valid, len(self.records))


def cpu_s(pids: Sequence[int]) -> float:
    """Processor time of processes so far, seconds; one that has ended has none."""
    spent = 0.0
    for pid in pids:
        try:
            text = Path(f"/proc/{pid}/stat").read_text()
        except OSError:
            continue
        cells = text.rpartition(")")[2].split()
        spent += (int(cells[11]) + int(cells[12])) / TICKS
    return spent


def memory_mb(pid: int) -> float:
    """Resident memory of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def browsers() -> list[int]:
    """Every process of the browser."""
    found = subprocess.run(["pgrep", "chromium"], capture_output=True, text=True, check=False)
    return [int(pid) for pid in found.stdout.split()]


@contextmanager
def page_of(name: str) -> Iterator[tuple[int, str]]:
    """`lab web` while the block runs: its process and its address."""
    process = subprocess.Popen([LAB, "web", name], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.pid, process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait(30)


def one_call(lab: ReadyLab, plan: CallPlan, page: int | None, into: Calls) -> None:
    """Make a call and count what page and browser take meanwhile."""
    own = [] if page is None else [page]
    before, others, began = cpu_s(own), cpu_s(browsers()), time.monotonic()
    record = make_call(lab, plan)
    wall_s = time.monotonic() - began
    into.records.append(record)
    into.host_percent += [] if record.cpu_pct is None else [record.cpu_pct]
    into.page_percent.append(100 * (cpu_s(own) - before) / wall_s)
    into.browser_percent.append(100 * (cpu_s(browsers()) - others) / wall_s)


def measure(client: DockerClient, name: str, options: argparse.Namespace) -> None:
    """Make the calls and print what they say."""
    lab = open_lab(client, name)
    plan = CallPlan(options.method, duration_s=options.seconds)
    alone, seen = Calls(), Calls()
    paints: list[float] = []
    memory: list[float] = []
    with sync_playwright() as playwright:
        for _ in range(options.calls):
            one_call(lab, plan, None, alone)
            with page_of(name) as (page, address):
                browser = playwright.chromium.launch(
                    executable_path=options.browser, args=["--no-sandbox"]
                )
                viewer = browser.new_page()
                viewer.goto(address)
                viewer.get_by_role("navigation", name="pages").wait_for()
                viewer.goto(f"http://{urlsplit(address).netloc}{options.path}")
                viewer.wait_for_timeout(LOOKED_S * 1000)
                paints.append(viewer.evaluate(PAINTED))
                one_call(lab, plan, page, seen)
                memory.append(memory_mb(page))
                browser.close()
    for title, calls in (("no page", alone), ("one viewer", seen)):
        print(
            f"{title:11} {calls.valid} of {len(calls.records)} calls valid "
            f"({_percent(calls.share)}); host {_of(calls.host_percent)} % busy; of one core: "
            f"page {_of(calls.page_percent)} %, browser {_of(calls.browser_percent)} %"
        )
    ratio = seen.valid / alone.valid if alone.valid else float("nan")
    print(f"valid with a viewer / without a page: {ratio:.2f}")
    print(f"first paint {_of(paints)} ms (n = {len(paints)}); page's memory {_of(memory)} MB")
    for title, calls in (("no page", alone), ("one viewer", seen)):
        for record in calls.records:
            if not record.valid:
                print(f"  {title}: {record.reason or '; '.join(record.invalid_reasons)}")


def _of(values: Sequence[float]) -> str:
    found = mean_interval(values)
    if found.low is None or found.high is None:
        return f"{fmean(values):.1f}"
    return f"{found.estimate:.1f} ({found.low:.1f}-{found.high:.1f})"


def _percent(share: Interval) -> str:
    low, high = share.low or 0.0, share.high or 0.0
    return f"{100 * (share.estimate or 0.0):.0f} %, {100 * low:.0f}-{100 * high:.0f}"


def main() -> None:
    """Bring a lab up, measure in it, and take it down."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=20, help="of each kind")
    parser.add_argument("--seconds", type=int, default=10, help="that both ends talk")
    parser.add_argument("--method", default="sip")
    parser.add_argument("--path", default="/")
    parser.add_argument("--browser", default="/usr/bin/chromium")
    options = parser.parse_args()
    client = connect()
    name = f"bench-{secrets.token_hex(3)}"
    try:
        up(client, "paper", name)
        measure(client, name, options)
    finally:
        down(client, name)


if __name__ == "__main__":
    main()
