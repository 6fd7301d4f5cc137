"""How long a private Tor network takes from its start to verified circuits, stage by stage.

    python tests/bench/tor_bootstrap.py [--relays 3] [--runs 10] [--no-comparison]

Plain processes on loopback, so that containers cost nothing here; needs `tor` on the host.
Compared, run by run, with the same network started at once and voting by the clock.
"""

from __future__ import annotations

import argparse
import statistics

from tor_processes import tor_processes

from lab.tor.bootstrap import verify_bootstrap


def stages_of_one_run(relays: int, by_the_clock: bool) -> dict[str, float]:
    """Stage name to seconds since the start of the first process."""
    with (
        tor_processes(relays, by_the_clock) as network,
        network.circuits_agent() as agent,
    ):
        verified = verify_bootstrap(agent, network.relays, started_at=network.started_at)
        return {stage.name: stage.after_s for stage in verified.stages}


def main() -> None:
    """Print one line per run, then median and worst of each stage, then the ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--relays", type=int, default=3)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--no-comparison", action="store_true")
    options = parser.parse_args()
    kinds = {"on demand": False} if options.no_comparison else {"on demand": False, "clock": True}
    runs: dict[str, list[dict[str, float]]] = {kind: [] for kind in kinds}
    for _ in range(options.runs):
        for kind, by_the_clock in kinds.items():
            runs[kind].append(stages_of_one_run(options.relays, by_the_clock))
            stages = "  ".join(f"{name} {at:5.2f}" for name, at in runs[kind][-1].items())
            print(f"{kind:9}  {stages}", flush=True)
    for kind, done in runs.items():
        for name in done[0]:
            times = [run[name] for run in done]
            median, worst = statistics.median(times), max(times)
            print(f"{kind:9}  {name:11}  median {median:5.2f} s  worst {worst:5.2f} s")
    if not options.no_comparison:
        totals = {k: statistics.median(run["circuits"] for run in done) for k, done in runs.items()}
        print(
            f"voting by the clock takes {totals['clock'] / totals['on demand']:.1f} times as long"
        )


if __name__ == "__main__":
    main()
