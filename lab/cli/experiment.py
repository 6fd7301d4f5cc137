"""`lab experiment`: run a sweep, go on with one, list them."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Mapping
from datetime import timedelta

import click
from rich.table import Table

from lab.cli.output import doing, err, out, print_json
from lab.engine.client import connect
from lab.events import (
    Began,
    CallEnded,
    CallStage,
    Happening,
    RunAdvanced,
    RunBegan,
    RunEnded,
)
from lab.store.database import Run, Store, open_store
from lab.store.reading import read_store
from lab.sweep.experiment import SHIPPED, find_experiment, load_experiment
from lab.sweep.run import go_on, ledger_of, new_run


@click.group("experiment")
def command() -> None:
    """Run experiments: many calls, in an order drawn from a seed, each stored as it ends."""


@command.command("run")
@click.argument("file", metavar="FILE")
@click.option("--quick", is_flag=True, help="The experiment's short version.")
@click.option("--name", help="The lab; default: the topology's name. Brought up if it is not.")
@click.option(
    "--jobs",
    type=click.IntRange(1, 9),
    default=1,
    show_default=True,
    help="Labs side by side, as far as this host carries them.",
)
def run_command(file: str, quick: bool, name: str | None, jobs: int) -> None:
    """Run the experiment in FILE (a shipped name such as `table1`, or a YAML file).

    Interrupted, it goes on with `lab experiment resume last`.
    """
    experiment = load_experiment(find_experiment(file), quick)
    with open_store() as store:
        _go_on(store, new_run(store, experiment, name, jobs))


@command.command("resume")
@click.argument("run_id", metavar="RUN", default="last")
def resume_command(run_id: str) -> None:
    """Go on with RUN (default: the last one): no finished call is lost, none repeated."""
    with open_store() as store:
        _go_on(store, store.run(run_id))


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def list_command(as_json: bool) -> None:
    """List the runs, newest last, and the experiments that come with the lab."""
    with read_store() as store:
        states = [_state(store, run) for run in store.runs()]
    if as_json:
        print_json(states)
        return
    table = Table(box=None, header_style="bold")
    for column in states[0] if states else ():
        table.add_column(column.replace("_", " "))
    for state in states:
        table.add_row(*("" if value is None else str(value) for value in state.values()))
    if states:
        out.print(table)
    shipped = ", ".join(sorted(path.stem for path in SHIPPED.glob("[!.]*.yaml")))
    err.print(f"Experiments that come with the lab: {shipped}.")


def _state(store: Store, run: Run) -> dict[str, str | int | None]:
    ledger = ledger_of(store, run)
    tallies = ledger.tallies.values()
    return {
        "run": run.run_id,
        "experiment": run.experiment + (" (quick)" if run.quick else ""),
        "started_at": run.started_at,
        "points": len(ledger.plan.points),
        "valid": sum(tally.valid for tally in tallies),
        "invalid": sum(tally.invalid for tally in tallies),
        "failed": sum(tally.failed for tally in tallies),
        "still_wanted": ledger.still_wanted,
        "lab": run.lab,
    }


def _go_on(store: Store, run: Run) -> None:
    # Whoever ends a run politely finds it cleared up, as after Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    resume = f"lab experiment resume {run.run_id}"
    err.print(f"Run {run.run_id}; if it is interrupted: {resume}", soft_wrap=True)
    with doing("looking for the lab ...") as say:
        go_on(connect(), store, run, RunProgress(say).tell)


class RunProgress:
    """Listens to a run: a line per call, with the running mean and the time left."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._began = time.monotonic()
        self._made_before = 0

    def tell(self, happening: Happening) -> None:
        """Show what happens."""
        match happening:
            case Began(stage):
                self._say(f"{stage} ...")
            case CallStage(point_id, number, stage):
                self._say(f"{point_id} ({number}): {stage} ...")
            case RunBegan():
                self._begin(happening)
            case RunAdvanced():
                _show_line(f"{_call_line(happening)}; {self._time_left(happening)}")
            case RunEnded():
                _show_line(_last_line(happening))

    def _begin(self, run: RunBegan) -> None:
        self._began = time.monotonic()
        self._made_before = run.made
        if run.made:
            _show_line(f"{run.made} calls are stored; {run.still_wanted} are still wanted.")

    def _time_left(self, run: RunAdvanced) -> str:
        """By the pace so far, invalid calls included."""
        per_call_s = (time.monotonic() - self._began) / (run.made - self._made_before)
        left_s = per_call_s * run.still_wanted * run.made / max(1, run.valid)
        return f"{timedelta(seconds=round(left_s))} left" if run.still_wanted else "done"


def _show_line(text: str) -> None:
    err.print(text, soft_wrap=True)


def _call_line(run: RunAdvanced) -> str:
    mean = "" if run.mean_mos is None else f", mean {run.mean_mos:.2f} (n={run.valid_here})"
    all_calls = run.made + run.still_wanted
    return f"[{run.made}/{all_calls}] {run.point_id}: {_outcome(run.call, run.hearer)}{mean}"


def _last_line(run: RunEnded) -> str:
    return (
        f"Run {run.run_id} is complete: {run.valid} valid, {run.invalid} invalid and "
        f"{run.failed} failed calls. `lab report {run.run_id}`"
    )


def _pesq(figures: Mapping[str, float], hearer: str) -> str:
    mos = figures.get(f"{hearer}_pesq_mos")
    if mos is not None:
        return f"PESQ {mos:.2f}"
    worst = figures.get(f"{hearer}_window_mos_min")
    if worst is None:
        return "no PESQ"
    best, windows = figures[f"{hearer}_window_mos_max"], figures[f"{hearer}_windows"]
    return f"PESQ {worst:.2f} to {best:.2f} in {windows:.0f} windows"


def _outcome(call: CallEnded, hearer: str) -> str:
    if call.status != "ok":
        return f"failed, {call.reason}"
    owd_ms = call.figures.get(f"{hearer}_owd_ms_p50")
    parts = [_pesq(call.figures, hearer), "no delay" if owd_ms is None else f"{owd_ms:.1f} ms"]
    if not call.valid:
        parts.append(f"invalid, {'; '.join(call.invalid_reasons)}")
    return ", ".join(parts)
