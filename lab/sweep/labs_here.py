"""Labs of this host as the place of a run's calls: one, or several side by side."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from docker import DockerClient

from lab.engine.lock import only_run_in
from lab.events import Listener
from lab.store.database import Run, Store
from lab.sweep.lab_executor import LabExecutor
from lab.sweep.place import Place, Where, side_by_side
from lab.sweep.plan import Plan
from lab.sweep.run import labs_of
from lab.sweep.worker import Assignment, workers


def labs_here(client: DockerClient) -> Where:
    """Labs in the engine of `client`; LabError where one of them is in other hands."""

    @contextmanager
    def where(store: Store, run: Run, plan: Plan, tell: Listener) -> Iterator[Place]:
        first = plan.order[0].point
        with ExitStack() as stack:
            if run.jobs > 1:
                store.add_run(run)
                assignments = [
                    Assignment(lab, run.run_id, run.topology, first) for lab in labs_of(run)
                ]
                team = stack.enter_context(workers(assignments))
                found = [worker.versions(tell) for worker in team]
                store.note_lab(run.run_id, found[0], lab_is_own=True)
                yield stack.enter_context(side_by_side(team))
                return
            stack.enter_context(only_run_in(run.lab))
            store.add_run(run)
            executor = LabExecutor(client, run.lab, run.run_id, run.topology, run.lab_is_own)
            stack.callback(executor.close)
            versions = executor.prepare(first, tell)
            store.note_lab(run.run_id, versions, executor.lab_is_own)
            yield stack.enter_context(side_by_side([executor]))

    return where
