"""What many relays on one host cost: `lab up` stage by stage, processor time, memory, one call.

    python tests/bench/many_relays.py [--counts 20,50,100] [--topology crowd] [--no-call] \
        [--set KEY=VALUE]

Brings a lab up and takes it down again for every count, beside which an authority and the ends of
a call run. Memory is the proportional share (Pss) of the programs in containers and of Docker's
own, where this user may read that, and beside it what the whole host has less afterwards, which
other work on it changes as well. Every figure stands beside its ratio to that of the smallest
count.

A last table has the floor of each stage of `lab up`: what all processors of this host were busy
for from the end of the stage before it, divided by their number. No stage can be shorter on this
host; on one that does other work meanwhile that is in it, too.
"""

from __future__ import annotations

import argparse
import os
import re
import secrets
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.calls.call import make_call
from lab.cli.up import setting
from lab.engine.client import connect
from lab.engine.discovery import RunningLab, find_lab
from lab.engine.host import read_cpu_times
from lab.events import Ended, Happening
from lab.lifecycle.down import down
from lab.lifecycle.ready import open_lab
from lab.lifecycle.stages import Stage
from lab.lifecycle.status import lab_status
from lab.lifecycle.up import up
from lab.measure.call.notes import CallPlan

SETTLED_S = 5.0
"""How long after `lab up` its memory is read."""
CONTAINERS = Path("/sys/fs/cgroup/cpuacct/docker/cpuacct.usage")
"""Processor time of all containers there have been, ns, where Docker uses cgroups v1."""
IN_CONTAINERS = "  of that "
ENGINE = ("dockerd", "containerd", "fuse-overlayfs")
"""Docker's own programs."""
LARGEST = 8
"""Programs whose memory is shown apart."""


@dataclass(frozen=True, slots=True)
class Floor:
    """What came between the end of one stage and that of the one before."""

    stage: str
    seconds: float
    busy_s: float
    """Of all processors together."""

    @property
    def floor_s(self) -> float:
        """What it takes at least with all of them."""
        return self.busy_s / (os.cpu_count() or 1)


class Floors:
    """Listens to `lab up`, whose stages may overlap: each counts from the end of the last."""

    def __init__(self) -> None:
        self.found: list[Floor] = []
        self._last = time.monotonic(), busy_s()

    def tell(self, happening: Happening) -> None:
        """Hear that a stage is over."""
        if isinstance(happening, Ended):
            now = time.monotonic(), busy_s()
            spans = (now[0] - self._last[0], now[1] - self._last[1])
            self.found.append(Floor(happening.stage, *spans))
            self._last = now


@dataclass(frozen=True, slots=True)
class Run:
    """One count of relays."""

    relays: int
    containers: int
    stages: tuple[Stage, ...]
    floors: tuple[Floor, ...]
    """In the order in which they ended."""
    seconds: float
    """Of `lab up`, as it counts them itself."""
    processors_s: Mapping[str, float]
    """Who → processor time while the lab came up, s: about the same whatever else the host does."""
    load: float
    """The host's load average at the end of it: above its number of cores others slowed it down."""
    status_s: float
    """Of what `lab status` asks."""
    status_all_s: float
    """Of what `lab status --all` asks."""
    down_s: float
    memory_mib: float
    """What the host has less."""
    programs_mib: Mapping[str, float]
    """Program → what it and its like have more."""
    call: str


def one_run(topology: str, count: int, changes: Mapping[str, Any], calls: bool) -> Run:
    """Bring it up, look at it, call in it if asked to, and take it down."""
    client = connect()
    name = f"bench-{secrets.token_hex(3)}"
    available_before, programs_before = available_mib(), programs_mib()
    spent, floors = processors_s(), Floors()
    try:
        changed = {**changes, "relays.count": count}
        done = up(client, topology, name, floors.tell, changes=changed)
        spent = {who: total - spent[who] for who, total in processors_s().items()}
        load = os.getloadavg()[0]
        lab = find_lab(client, name)
        spent |= apart_s(lab, spent["containers"])
        time.sleep(SETTLED_S)
        memory = available_before - available_mib()
        programs = programs_mib()
        status_s, status_all_s = (_status_s(lab, every=every) for every in (False, True))
        said = "not made"
        if calls:
            record = make_call(open_lab(client, name), CallPlan("v-tor"))
            reasons = record.reason or "; ".join(record.invalid_reasons)
            said = f"valid, PESQ {record.caller_pesq_mos}" if record.valid else reasons
    finally:
        began = time.monotonic()
        down(client, name)
    return Run(
        relays=count,
        containers=len(lab.nodes) + len(lab.delay_lines),
        stages=done.stages,
        floors=tuple(floors.found),
        seconds=done.seconds,
        processors_s=spent,
        load=load,
        status_s=status_s,
        status_all_s=status_all_s,
        down_s=time.monotonic() - began,
        memory_mib=memory,
        programs_mib={name: mib - programs_before[name] for name, mib in programs.items()},
        call=said,
    )


def _status_s(lab: RunningLab, *, every: bool) -> float:
    began = time.monotonic()
    lab_status(lab, every=every)
    return time.monotonic() - began


def processors_s() -> dict[str, float]:
    """Who → processor time so far, s; NaN where this host does not tell."""
    own = os.times()
    used = {"this command": own.user + own.system + own.children_user + own.children_system}
    try:
        used["containers"] = int(CONTAINERS.read_text()) / 1e9
    except OSError:
        used["containers"] = float("nan")
    ticks = 0
    for process in Path("/proc").glob("[0-9]*"):
        try:
            name, _, rest = (process / "stat").read_text().partition("(")[2].rpartition(")")
        except OSError:
            continue
        if name.startswith(("dockerd", "containerd")):
            ticks += sum(map(int, rest.split()[11:15]))
    used["Docker"] = ticks / os.sysconf("SC_CLK_TCK")
    return used


def busy_s() -> float:
    """For how long all processors of this host were busy since it started, together."""
    times = read_cpu_times()
    return (times.total - times.idle - times.steal) / os.sysconf("SC_CLK_TCK")


def apart_s(lab: RunningLab, whole_s: float) -> dict[str, float]:
    """The containers' processor time by what they are; `whole_s` has those that ended in it."""
    kinds = {"relays": [node.container_id for node in lab.nodes if node.role == "relay"]}
    kinds["delay lines"] = [line.container_id for line in lab.delay_lines.values()]
    kinds["other nodes"] = [node.container_id for node in lab.nodes if node.role != "relay"]
    used = {kind: sum(map(_used_s, containers)) for kind, containers in kinds.items()}
    used["net helpers and others that ended"] = whole_s - sum(used.values())
    return {f"{IN_CONTAINERS}{kind}": seconds for kind, seconds in used.items()}


def _used_s(container: str) -> float:
    try:
        return int((CONTAINERS.parent / container / CONTAINERS.name).read_text()) / 1e9
    except OSError:
        return float("nan")


def available_mib() -> float:
    """What the host could still give to programs (MemAvailable)."""
    text = Path("/proc/meminfo").read_text(encoding="ascii")
    found = re.search(r"MemAvailable:\s+([0-9]+) kB", text)
    assert found is not None
    return int(found[1]) / 1024


def programs_mib() -> dict[str, float]:
    """Program, in a container or Docker's own → the share of its processes that may be read."""
    shares: dict[str, float] = defaultdict(float)
    for process in Path("/proc").glob("[0-9]*"):
        try:
            name = (process / "comm").read_text().strip()
            if not name.startswith(ENGINE) and "/docker/" not in (process / "cgroup").read_text():
                continue
            rollup = (process / "smaps_rollup").read_text()
        except OSError:
            continue
        if found := re.search(r"^Pss:\s+([0-9]+) kB", rollup, re.MULTILINE):
            shares[name] += int(found[1]) / 1024
    return shares


def _whole_s(run: Run) -> float:
    used = run.processors_s
    return sum(seconds for who, seconds in used.items() if not who.startswith(IN_CONTAINERS))


def print_table(runs: Sequence[Run]) -> None:
    """Every figure with its ratio to the first run's."""
    first = runs[0]
    rows: list[tuple[str, list[float]]] = [
        ("relays", [run.relays for run in runs]),
        ("containers that go on", [run.containers for run in runs]),
        ("lab up, s", [run.seconds for run in runs]),
        ("  load of the host at its end", [run.load for run in runs]),
        ("  processor time, s", [_whole_s(run) for run in runs]),
        *((f"    {who}", [run.processors_s[who] for run in runs]) for who in first.processors_s),
    ]
    for stage in sorted(first.stages, key=lambda stage: stage.began_s):
        lengths = [{each.name: each.seconds for each in run.stages} for run in runs]
        rows.append((f"  {stage.name}", [found.get(stage.name, float("nan")) for found in lengths]))
    rows += [
        ("what lab status asks, s", [run.status_s for run in runs]),
        ("what lab status --all asks, s", [run.status_all_s for run in runs]),
        ("lab down, s", [run.down_s for run in runs]),
        ("memory the host has less, MiB", [run.memory_mib for run in runs]),
        ("memory of programs, MiB", [sum(run.programs_mib.values()) for run in runs]),
    ]
    shares = runs[-1].programs_mib
    largest = sorted(shares, key=lambda name: -shares[name])[:LARGEST]
    for name in largest:
        rows.append((f"  {name}", [run.programs_mib.get(name, 0.0) for run in runs]))
    others = [
        sum(mib for name, mib in run.programs_mib.items() if name not in largest) for run in runs
    ]
    rows.append(("  others", others))
    for title, values in rows:
        cells = "".join(
            f"{value:10.1f} {'x' + format(value / values[0], '.1f') if values[0] else '':>7}"
            for value in values
        )
        print(f"{title:44} {cells}")
    for run in runs:
        print_floors(run)
    for run in runs:
        print(f"v-tor call over {run.relays} relays: {run.call}")


def print_floors(run: Run) -> None:
    """What every stage took, and what it takes at least on this host."""
    print(f"{run.relays} relays, stage by stage: {'s':>27} {'busy, s':>9} {'floor, s':>9}")
    whole = Floor("in all", sum(f.seconds for f in run.floors), sum(f.busy_s for f in run.floors))
    for floor in (*run.floors, whole):
        print(f"  {floor.stage:48} {floor.seconds:9.1f} {floor.busy_s:9.1f} {floor.floor_s:9.1f}")


def main() -> None:
    """Print one table of all counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--counts", default="20,50,100")
    parser.add_argument("--topology", default="crowd")
    parser.add_argument("--no-call", action="store_true")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    options = parser.parse_args()
    changes = dict(setting(text) for text in options.set)
    runs = []
    for count in sorted(int(text) for text in options.counts.split(",")):
        runs.append(one_run(options.topology, count, changes, not options.no_call))
        print(
            f"{count} relays: up in {runs[-1].seconds:.1f} s, v-tor call {runs[-1].call}",
            flush=True,
        )
    print_table(runs)


if __name__ == "__main__":
    main()
