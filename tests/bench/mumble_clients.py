"""What does a Mumble client cost, and how many Mumble calls does this host carry in time?

First the client of a measured call: processor time and memory as it tells them itself at the end
of `--calls` calls. Then competing calls, more and more of them by each route: how late their
packets leave, what comes of them, and what the host, Murmur and the process that holds one end of
all calls take for it. A number of calls is carried where 99 % of the packets leave within what a
record allows (`lab.calls.verdict`), 99 % of the voice arrives, and the host is not saturated.

    lab up && python tests/bench/mumble_clients.py [--name LAB] [--calls 3] [--seconds 10]
        [--counts 10,20,40,80,120,160] [--routes direct,tor]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from load_cost import MIB, Window, watch

from lab.calls.call import make_call
from lab.engine.client import connect
from lab.errors import LabError
from lab.events import Began, Happening
from lab.lifecycle.ready import ReadyLab, open_lab
from lab.load.competing import competing
from lab.load.notation import parse_load
from lab.load.spec import LoadSpec, Route
from lab.measure.call.fidelity import MAX_CPU_PCT, MAX_PACING_P99_MS
from lab.measure.call.notes import CallPlan, read_notes
from lab.wire.load import Lateness, LoadReport
from lab.wire.mumble import ClientReport
from lab.wire.plain import from_plain

MIN_DELIVERED_PCT = 99.0
OWN, SERVER = "client", "mumble"


def say(text: str) -> None:
    """Progress, to stderr."""
    print(f"  {text} ...", file=sys.stderr)


def show(happening: Happening) -> None:
    """The stages of what is under way."""
    if isinstance(happening, Began):
        say(happening.stage)


def single_client(lab: ReadyLab, calls: int) -> str:
    """Cost of the client that a measured call has at each end."""
    cores, rss_mib, valid = [], [], 0
    for number in range(calls):
        record = make_call(lab, CallPlan("mumble", seed=number))
        valid += record.valid
        if record.status != "ok" or record.artefacts is None:
            say(f"call {number} failed: {record.reason}")
            continue
        told = read_notes(Path(record.artefacts)).reports
        assert told
        for plain in (told.caller, told.callee):
            report = from_plain(ClientReport, plain)
            assert report.joined
            assert report.left
            lasted_s = report.left.at_s - report.joined.at_s
            cores.append(100 * report.left.cpu_s / lasted_s)
            rss_mib.append(report.left.max_rss_kib / 1024)
    if not cores:
        return "client of a call: no call succeeded"
    return (
        f"client of a call, playout of both recordings included: median {median(cores):.1f} % of "
        f"a core (worst {max(cores):.1f}), {median(rss_mib):.0f} MiB; n = {len(cores)} clients, "
        f"{valid} of {calls} calls valid"
    )


def delivered_pct(report: LoadReport) -> float | None:
    """What came of what was sent."""
    if not report.sent_bytes or not report.samples:
        return None
    came = sum(report.samples[-1].carried_bytes) - sum(report.samples[0].carried_bytes)
    return 100 * came / report.sent_bytes


def is_carried(report: LoadReport, busy: Window) -> bool:
    """Whether that many calls kept their time."""
    delivered = delivered_pct(report)
    return (
        not report.died
        and report.lateness is not None
        and report.lateness.p99_ms is not None
        and report.lateness.p99_ms <= MAX_PACING_P99_MS
        and delivered is not None
        and delivered >= MIN_DELIVERED_PCT
        and busy.cpu_pct <= MAX_CPU_PCT
    )


def crowd(lab: ReadyLab, spec: LoadSpec, seconds: float, rest: Window) -> tuple[str, bool]:
    """A row of the table, and whether the host carried it."""
    with competing(lab, spec, show) as load:
        load.take()
        busy = watch(lab, seconds)
        report = load.take()
    carried = is_carried(report, busy)

    def per_call(node: str) -> float:
        return (busy.node_cpu_pct[node] - rest.node_cpu_pct[node]) / spec.count

    gained = (busy.node_bytes[OWN] - rest.node_bytes[OWN]) / MIB / spec.count
    delivered, late = delivered_pct(report), report.lateness or Lateness(None, None)
    row = (
        f"{spec.route:<7}{spec.count:>5}  {late.p99_ms or 0:>7.0f}  "
        f"{late.max_ms or 0:>7.0f}  {delivered or 0:>9.1f}  {busy.cpu_pct:>5.1f}  "
        f"{busy.steal_pct:>6.1f}  {per_call(OWN):>9.2f}  {per_call(SERVER):>9.2f}  "
        f"{gained:>9.2f}  {len(report.died):>4}  {'yes' if carried else 'no':<7} {busy.busiest()}"
    )
    return row, carried


def ramp(lab: ReadyLab, route: Route, counts: Sequence[int], seconds: float) -> str:
    """Rows for more and more calls, until two numbers in a row are too many."""
    most, refused = 0, 0
    rest = watch(lab, seconds)
    for count in counts:
        spec = parse_load(f"mumble:{count}:{route}")
        try:
            row, carried = crowd(lab, spec, seconds, rest)
        except LabError as error:
            row, carried = f"{route:<7}{count:>5}  {error.message}", False
        print(row, flush=True)
        most, refused = (count, 0) if carried else (most, refused + 1)
        if refused == 2:
            break
    return f"{route}: this host carries {most} Mumble calls in time, of the numbers tried"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--name")
    parser.add_argument("--calls", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--counts", default="10,20,40,80,120,160")
    parser.add_argument("--routes", default="direct,tor")
    options = parser.parse_args()
    lab = open_lab(connect(), options.name)
    if options.calls:
        print(single_client(lab, options.calls), flush=True)
    print("               late ms             delivered   host          % of a core   MiB gained")
    print(
        "route  calls      99 %      max          %  CPU %  stolen    per call    Murmur  per call"
    )
    counts = [int(count) for count in options.counts.split(",")]
    for route in options.routes.split(","):
        print(ramp(lab, route, counts, options.seconds), flush=True)


if __name__ == "__main__":
    main()
