"""How long `lab up` takes to a verified Tor network, stage by stage, images being built.

    python tests/bench/up_time.py [--topology paper] [--runs 10] [--no-comparison]

Stages overlap: each is shown by when it began and ended, so their lengths do not add up. Compared,
run by run, with the floor: the same number of relays and a client as plain processes on loopback,
verified in the same way (needs `tor` on the host). What lies above it is what containers cost.
"""

from __future__ import annotations

import argparse
import secrets
import statistics
from collections.abc import Iterable

from tor_processes import tor_processes

from lab.engine.client import connect
from lab.lifecycle.down import down
from lab.lifecycle.stages import Stage
from lab.lifecycle.up import Up, up
from lab.tor.bootstrap import verify_bootstrap


def one_run(topology: str) -> Up:
    """Bring a lab up and take it down again."""
    client = connect()
    name = f"bench-{secrets.token_hex(3)}"
    try:
        return up(client, topology, name)
    finally:
        down(client, name)


def floor_s(relays: int) -> float:
    """Seconds from the start of the first plain process to circuits through every relay."""
    with tor_processes(relays) as network, network.circuits_agent() as agent:
        verified = verify_bootstrap(agent, network.relays, started_at=network.started_at)
        return verified.stages[-1].after_s


def summary(values: Iterable[float]) -> str:
    """Median and worst, s."""
    taken = list(values)
    return f"median {statistics.median(taken):5.2f} s  worst {max(taken):5.2f} s"


def print_stages(runs: list[Up]) -> None:
    """Each stage's place in time, median over the runs, in order of beginning."""
    by_name: dict[str, list[Stage]] = {}
    for run in runs:
        for stage in run.stages:
            by_name.setdefault(stage.name, []).append(stage)
    print(f"{'stage':34} {'from':>6} {'to':>6}   length")
    for name, stages in sorted(
        by_name.items(), key=lambda item: statistics.median(s.began_s for s in item[1])
    ):
        began = statistics.median(stage.began_s for stage in stages)
        ended = statistics.median(stage.ended_s for stage in stages)
        lengths = summary(stage.seconds for stage in stages)
        print(f"{name:34} {began:6.2f} {ended:6.2f}   {lengths}")


def main() -> None:
    """Print one line per run, then the stages, the total, and its ratio to the floor."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--topology", default="paper")
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--no-comparison", action="store_true")
    options = parser.parse_args()
    runs: list[Up] = []
    floors: list[float] = []
    for number in range(1, options.runs + 1):
        runs.append(one_run(options.topology))
        line = f"run {number}: {runs[-1].seconds:.2f} s"
        if not options.no_comparison:
            relays = len(runs[-1].plan.topology.with_role("relay"))
            floors.append(floor_s(relays))
            line += f", plain processes {floors[-1]:.2f} s"
        print(line, flush=True)
    print_stages(runs)
    totals = [run.seconds for run in runs]
    print(f"lab up {options.topology} (n = {len(runs)}): {summary(totals)}")
    if floors:
        print(f"plain processes (n = {len(floors)}): {summary(floors)}")
        ratio = statistics.median(totals) / statistics.median(floors)
        print(f"lab up takes {ratio:.1f} times as long as its Tor network alone")


if __name__ == "__main__":
    main()
