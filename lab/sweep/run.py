"""A run from its first call to its last, however often it is interrupted in between."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from lab.errors import UsageError
from lab.events import Happening, Listener, RunAdvanced, RunBegan, RunEnded, both
from lab.events.journal import Journal, in_lab, run_journal
from lab.store.database import Run, Store
from lab.sweep.experiment import Experiment
from lab.sweep.ledger import ledger_of
from lab.sweep.locks import only_hand_on
from lab.sweep.place import Where
from lab.sweep.plan import make_plan
from lab.sweep.runner import run_plan


def new_run(store: Store, experiment: Experiment, lab: str | None, jobs: int = 1) -> Run:
    """Freeze the experiment's plan under a name that `store` does not know yet.

    `lab` defaults to the topology's name, or to names made from the run's with several jobs.
    """
    if jobs > 1 and lab is not None:
        raise UsageError("several labs side by side get their names from the run", "Drop --name.")
    run_id, now = new_run_id(store, experiment.name)
    topology = experiment.topology.read_text(encoding="utf-8")
    return Run(
        run_id=run_id,
        experiment=experiment.name,
        started_at=now.isoformat(timespec="milliseconds"),
        seed=experiment.seed,
        definition=experiment.source,
        plan=make_plan(experiment).to_json(),
        topology=topology,
        lab=run_id if jobs > 1 else lab or experiment.topology.stem,
        jobs=jobs,
        quick=experiment.quick,
        paper_table=experiment.paper_table,
    )


def new_run_id(store: Store, experiment: str) -> tuple[str, datetime]:
    """A name that sorts by time within its experiment (table1-261122-060102), and that time."""
    taken = {run.run_id for run in store.runs()}
    now = datetime.now(UTC)
    while (run_id := f"{experiment}-{now:%y%m%d-%H%M%S}") in taken:
        now += timedelta(seconds=1)
    return run_id, now


def go_on(where: Where, store: Store, run: Run, tell: Listener) -> None:
    """Make every call of the run that is still wanted, in labs brought up where they are not.

    A run that has not been gone on with before is stored as soon as its lab is free for it.
    LabError where the run, or one of its labs, is in other hands, or where no call can be
    made; what has been stored until then stays and the run can go on later.
    """
    tell = both(tell, _in_journals(run))
    with only_hand_on(run.run_id):
        ledger = ledger_of(store, run)
        if ledger.still_wanted:
            with where(store, run, ledger.plan, tell) as place:
                tell(RunBegan(run.run_id, ledger.made, ledger.still_wanted))
                run_plan(ledger, place, store.add_call, tell)
        store.note_end(run.run_id, datetime.now(UTC).isoformat(timespec="milliseconds"))
    tallies = ledger.tallies.values()
    tell(
        RunEnded(
            run.run_id,
            valid=sum(tally.valid for tally in tallies),
            invalid=sum(tally.invalid for tally in tallies),
            failed=sum(tally.failed for tally in tallies),
        )
    )


def labs_of(run: Run) -> tuple[str, ...]:
    """The labs of this host that a run calls in; those of a cluster are its hosts' own."""
    if run.cluster is not None:
        return ()
    if run.jobs == 1:
        return (run.lab,)
    return tuple(f"{run.lab}-{number}" for number in range(1, run.jobs + 1))


def _in_journals(run: Run) -> Listener:
    """Writes how the run goes into its own journal and those of its labs.

    What happens in the calls, each lab's journal is told by whoever makes them.
    """
    own = Journal(run_journal(run.run_id), None, "experiment").tell
    journals = [own, *(in_lab(lab, "experiment") for lab in labs_of(run))]

    def tell(happening: Happening) -> None:
        if isinstance(happening, RunBegan | RunAdvanced | RunEnded):
            for journal in journals:
                journal(happening)

    return tell
