"""What does competing traffic cost the host? Processor time and memory, load by load.

Every load runs in the same lab behind the same cap on the server's egress, for the same time,
and is compared with the lab at rest just before it: the host's processor time, that of the
busiest nodes, and the memory that the nodes gained. What the load carried stands beside it.

    lab up && python tests/bench/load_cost.py [--name LAB] [--seconds 10] [--rate 10mbit]
        [LOAD …]        default: wget:100:direct wget:100:tor voip:45:direct voip:45:tor
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass

from lab.engine.client import connect
from lab.engine.host import read_cpu_times
from lab.engine.usage import read_usage
from lab.lifecycle.ready import ReadyLab, open_lab
from lab.load.competing import competing
from lab.load.notation import parse_load
from lab.load.spec import LoadSpec
from lab.measure.goodput import goodput
from lab.measure.host_load import NodeUsage, load_between
from lab.shaping.helpers import link_helpers
from lab.shaping.live import apply
from lab.shaping.placement import place
from lab.topology.units import parse_rate_kbps
from lab.wire.shape import Queue

LOADS = ("wget:100:direct", "wget:100:tor", "voip:45:direct", "voip:45:tor")
MIB = 2**20


@dataclass(frozen=True, slots=True)
class Window:
    """The host over some seconds."""

    cpu_pct: float
    steal_pct: float
    node_cpu_pct: dict[str, float]
    """Of one core."""
    node_bytes: dict[str, int]

    @property
    def memory_bytes(self) -> int:
        """All nodes together."""
        return sum(self.node_bytes.values())

    def busiest(self, count: int = 3) -> str:
        """The nodes that took most processor time."""
        shares = sorted(self.node_cpu_pct.items(), key=lambda item: -item[1])
        return ", ".join(f"{node} {share:.0f} %" for node, share in shares[:count])


def watch(lab: ReadyLab, seconds: float) -> Window:
    """Look at the host for `seconds`."""
    client = connect()
    before, nodes_before, began = (
        read_cpu_times(),
        read_usage(client, lab.running),
        time.monotonic(),
    )
    time.sleep(seconds)
    after, nodes_after = read_cpu_times(), read_usage(client, lab.running)
    elapsed_s = time.monotonic() - began
    load = load_between(before, after)
    assert load is not None
    return Window(
        cpu_pct=load.cpu_pct,
        steal_pct=load.steal_pct,
        node_cpu_pct={
            node: 100 * (usage.cpu_s - nodes_before.get(node, NodeUsage(0, 0, 0)).cpu_s) / elapsed_s
            for node, usage in nodes_after.items()
        },
        node_bytes={node: usage.memory_bytes for node, usage in nodes_after.items()},
    )


def cost(lab: ReadyLab, spec: LoadSpec, seconds: float) -> str:
    """One row of the table."""
    rest = watch(lab, seconds)
    began = time.monotonic()
    with competing(lab, spec, lambda text: print(f"  {text} ...", file=sys.stderr)) as load:
        started_s = time.monotonic() - began
        load.take()
        busy = watch(lab, seconds)
        report = load.take()
    found = goodput(report.samples)
    carried_kbps = found.sum_kbps if found else 0.0
    gained = (busy.memory_bytes - rest.memory_bytes) / MIB
    return (
        f"{spec.kind}:{spec.count}:{spec.route:<8} {started_s:>7.1f}  {carried_kbps:>9.0f}  "
        f"{rest.cpu_pct:>5.1f}  {busy.cpu_pct:>5.1f}  {busy.cpu_pct / rest.cpu_pct:>5.1f}  "
        f"{busy.steal_pct:>5.1f}  {gained:>7.0f}  {len(report.died):>4}  {busy.busiest()}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("loads", nargs="*", metavar="LOAD", default=LOADS)
    parser.add_argument("--name")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--rate", default="10mbit")
    options = parser.parse_args()
    lab = open_lab(connect(), options.name)
    rate_kbps = parse_rate_kbps(options.rate)
    caps = place(lab.topology, "server", rate_kbps, Queue(limit=300), towards_caller=True)
    print(f"behind {', '.join(map(str, caps))}; {options.seconds:g} s each")
    print("load             begun s   payload    rest   load  ratio  stolen     MiB  died")
    print("                            kbit/s   CPU %  CPU %            %  gained        busiest")
    points = [cap.point for cap in caps]
    with link_helpers(lab, points, may_change=True) as helpers, apply(helpers, caps):
        for text in options.loads:
            print(cost(lab, parse_load(text), options.seconds), flush=True)


if __name__ == "__main__":
    main()
