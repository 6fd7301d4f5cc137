"""`lab experiment`: run a sweep, go on with one, list them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.table import Table

from lab.checkout import shipped_experiments
from lab.cli.cluster_options import Cluster, cluster_of, cluster_options, placed
from lab.cli.expectation_options import expectation_options, stated, stated_of_run, tell_outcome
from lab.cli.opinion_options import asked, opinion_options
from lab.cli.output import doing, err, out, print_json
from lab.errors import UsageError
from lab.events import Happening, Listener, RunBegan, both, silent
from lab.measure.opinion import Opinion
from lab.store.database import Run, Store, open_store
from lab.store.reading import read_store
from lab.sweep.ledger import ledger_of

if TYPE_CHECKING:
    from lab.sweep.place import Where


@click.group("experiment")
def command() -> None:
    """Run experiments: many calls, in an order drawn from a seed, each stored as it ends."""


@command.command("run")
@click.argument("file", metavar="FILE", required=False)
@click.option("--quick", is_flag=True, help="The experiment's short version.")
@click.option(
    "--from",
    "bundle",
    metavar="BUNDLE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Repeat the run of a bundle, in the place of an experiment's FILE.",
)
@click.option("--name", help="The lab; default: the topology's name. Brought up if it is not.")
@click.option(
    "--jobs",
    type=click.IntRange(1, 9),
    default=1,
    show_default=True,
    help="Labs side by side, as far as this host carries them.",
)
@cluster_options
@expectation_options
@opinion_options("when all calls are made")
def run_command(
    file: str | None,
    quick: bool,
    bundle: Path | None,
    name: str | None,
    jobs: int,
    cluster: str | None,
    local: int | None,
    artefacts: str | None,
    expect: tuple[str, ...],
    junit: Path | None,
    every: bool,
    some: tuple[Opinion, ...],
) -> None:
    """Run the experiment in FILE (a shipped name such as `table1`, or a YAML file).

    Interrupted, it goes on with `lab experiment resume last`. --from repeats the run of a bundle:
    the same experiment, topology and seed, as a new run among one's own; it tells what differs.
    """
    from lab.sweep.experiment import find_experiment, load_experiment
    from lab.sweep.run import new_run

    opinions = asked(every, some)
    if (file is None) == (bundle is None):
        raise UsageError("either FILE or --from BUNDLE says what is to be run")
    hosts = cluster_of(cluster, local, artefacts)
    if hosts is not None and (name is not None or jobs > 1):
        raise UsageError(
            "the labs of a cluster are its hosts' own",
            "Drop --name and --jobs; `lab worker --labs` says how many a host has.",
        )
    if bundle is not None:
        if quick:
            raise UsageError("the run of a bundle is repeated as it was", "Drop --quick.")
        _repeat(bundle, name, jobs, hosts, opinions, expect, junit)
        return
    assert file is not None
    experiment = load_experiment(find_experiment(file), quick)
    expected = stated(expect, junit, experiment.points)
    with open_store() as store:
        run = placed(new_run(store, experiment, name, jobs), hosts)
        _go_on(store, run, opinions)
        tell_outcome(store, run.run_id, expected)


def _repeat(
    bundle: Path,
    name: str | None,
    jobs: int,
    hosts: Cluster | None,
    opinions: Sequence[str],
    expect: Sequence[str],
    junit: Path | None,
) -> None:
    from lab.bundles.repeat import differences, repeated_run

    with open_store() as store:
        run, first = repeated_run(store, bundle, name, jobs)
        run = placed(run, hosts)
        expected = stated_of_run(expect, junit, run)
        err.print(
            f"Repeats run {first.run_id} of {bundle} (SHA-256 {run.bundle_sha256}).",
            soft_wrap=True,
        )

        def tell_differences(happening: Happening) -> None:
            if isinstance(happening, RunBegan):
                found = list(differences(first.versions, store.run(run.run_id).versions))
                for sentence in found:
                    err.print(f"Differs: {sentence}.", soft_wrap=True)
                if not found:
                    err.print("No version, image or kernel differs.", soft_wrap=True)

        _go_on(store, run, opinions, tell_differences)
        tell_outcome(store, run.run_id, expected)


@command.command("resume")
@click.argument("run_id", metavar="RUN", default="last")
@cluster_options
@expectation_options
@opinion_options("when all calls are made")
def resume_command(
    run_id: str,
    cluster: str | None,
    local: int | None,
    artefacts: str | None,
    expect: tuple[str, ...],
    junit: Path | None,
    every: bool,
    some: tuple[Opinion, ...],
) -> None:
    """Go on with RUN (default: the last one): no finished call is lost, none repeated.

    It goes on where it was begun, or where --cluster or --local says.
    """
    opinions = asked(every, some)
    hosts = cluster_of(cluster, local, artefacts)
    with open_store() as store:
        run = placed(store.run(run_id), hosts)
        if hosts is not None:
            store.note_cluster(run)
        expected = stated_of_run(expect, junit, run)
        _go_on(store, run, opinions)
        tell_outcome(store, run.run_id, expected)


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
    err.print(f"Experiments that come with the lab: {', '.join(shipped_experiments())}.")


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


def _go_on(store: Store, run: Run, opinions: Sequence[str], tell: Listener = silent) -> None:
    from lab.calls.opinions import add_opinions
    from lab.cli.progress import RunProgress
    from lab.sweep.run import go_on

    resume = f"lab experiment resume {run.run_id}"
    err.print(f"Run {run.run_id}; if it is interrupted: {resume}", soft_wrap=True)
    with doing("looking for the lab ...") as say:
        go_on(_where(run), store, run, both(RunProgress(say).tell, tell))
        if opinions:
            add_opinions(store, store.calls(run.run_id), opinions, say)


def _where(run: Run) -> Where:
    """Where the calls of a run are made."""
    if run.cluster is not None:
        from lab.cluster.connection import on_cluster

        return on_cluster
    from lab.engine.client import connect
    from lab.sweep.labs_here import labs_here

    return labs_here(connect())
