"""Memory and processor time of a lab that is up: at rest, and during one call by each method.

    python tests/bench/idle_cost.py [--topology paper] [--methods sip,v-tor] [--rest 30]

Brings a lab of its own up and takes it down. Memory is what Docker's own `stats` shows. The
last column is the ratio of the last method to the first: what Tor and the tunnel cost a node.
"""

from __future__ import annotations

import argparse
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager

from docker import DockerClient

from lab.calls.call import make_call
from lab.engine.client import connect
from lab.engine.discovery import RunningLab
from lab.engine.host import read_cpu_times
from lab.engine.usage import read_usage
from lab.lifecycle.down import down
from lab.lifecycle.ready import ReadyLab, open_lab
from lab.lifecycle.up import up
from lab.measure.call.notes import CallNotes, CallPlan
from lab.measure.host_load import NodeUsage, load_between
from lab.measure.record import CallRecord

MB = 1e6
HOST = "whole host"


class CpuMeter:
    """Processor time of every node over a while, per cent of one core."""

    def __init__(self, client: DockerClient, lab: RunningLab) -> None:
        self.percent: dict[str, float] = {}
        self._client = client
        self._lab = lab

    @contextmanager
    def running(self, *_: object) -> Iterator[None]:
        """Measure while the block runs."""
        before, host, began = self._read(), read_cpu_times(), time.monotonic()
        yield
        wall_s = time.monotonic() - began
        load = load_between(host, read_cpu_times())
        after = self._read()
        self.percent = {
            node: 100 * (after[node].cpu_s - before[node].cpu_s) / wall_s for node in before
        }
        self.percent["all nodes"] = sum(self.percent.values())
        if load is not None:
            self.percent[f"{HOST}, of all cores"] = load.cpu_pct

    def _read(self) -> Mapping[str, NodeUsage]:
        return read_usage(self._client, self._lab)


def at_rest(client: DockerClient, lab: ReadyLab, seconds: float) -> dict[str, float]:
    """Nothing is asked of the lab."""
    meter = CpuMeter(client, lab.running)
    with meter.running():
        time.sleep(seconds)
    return meter.percent


def during_call(
    client: DockerClient, lab: ReadyLab, method: str
) -> tuple[CallRecord, dict[str, float]]:
    """From before the phones register until both have hung up."""
    meter = CpuMeter(client, lab.running)

    def watch(_notes: CallNotes) -> AbstractContextManager[None]:
        return meter.running()

    record = make_call(lab, CallPlan(method), observers=[watch])
    return record, meter.percent


def main() -> None:
    """Print memory and processor time per node."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--topology", default="paper")
    parser.add_argument("--methods", default="sip,v-tor")
    parser.add_argument("--rest", type=float, default=30.0)
    options = parser.parse_args()
    methods = options.methods.split(",")
    client = connect()
    name = f"bench-{secrets.token_hex(3)}"
    try:
        up(client, options.topology, name)
        lab = open_lab(client, name)
        percent = {"rest": at_rest(client, lab, options.rest)}
        memory = {
            node: usage.memory_bytes / MB for node, usage in read_usage(client, lab.running).items()
        }
        for method in methods:
            record, percent[method] = during_call(client, lab, method)
            verdict = (
                "valid" if record.valid else record.reason or "; ".join(record.invalid_reasons)
            )
            print(f"{method} call: {verdict}")
    finally:
        down(client, name)
    memory["all nodes"] = sum(memory.values())
    head = "".join(f"{column:>10}" for column in percent)
    print(f"{'node':28} {'MB':>7} {head}   % of one core; ratio {methods[-1]} / {methods[0]}")
    for node in percent["rest"]:
        shares = [percent[column].get(node, float("nan")) for column in percent]
        cells = "".join(f"{share:10.2f}" for share in shares)
        ratio = f"{shares[-1] / shares[1]:8.1f}" if shares[1] > 0 else ""
        print(f"{node:28} {memory.get(node, float('nan')):7.1f} {cells}   {ratio}")


if __name__ == "__main__":
    main()
