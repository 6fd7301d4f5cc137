"""Makes the calls of a run in one lab, which it brings up, repairs and takes down."""

from __future__ import annotations

import logging
import platform
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from docker import DockerClient
from docker.errors import DockerException
from requests.exceptions import RequestException

from lab import storage
from lab.calls.call import failed_call, make_call
from lab.calls.measuring import Measurer, measuring
from lab.calls.methods import METHODS
from lab.calls.turn import having_turn
from lab.calls.versions import component_versions
from lab.engine.client import trouble
from lab.engine.discovery import RunningLab, find_labs
from lab.engine.lock import turn_in
from lab.errors import LabError
from lab.events import Began, Listener, both
from lab.events.journal import in_lab
from lab.lifecycle.down import down
from lab.lifecycle.ready import ReadyLab, open_lab
from lab.lifecycle.up import up
from lab.measure.call.notes import CallPlan
from lab.measure.record import CallRecord
from lab.sweep.asked import call_plan
from lab.sweep.conditions import conditions
from lab.sweep.dimensions.anonymous import ANONYMOUS
from lab.sweep.dimensions.duration import DURATION
from lab.sweep.dimensions.fault import stops_a_node
from lab.sweep.locks import bringing_up
from lab.sweep.plan import PlannedCall
from lab.sweep.point import Point
from lab.sweep.variants import changes_of
from lab.topology.variant import variant_file, varied

log = logging.getLogger(__name__)

MIN_FREE_BYTES = 64 * 2**20
"""A call leaves a few MiB; with less room than this its captures may be cut short."""
BYTES_PER_S = 2**18
"""What a call by V-Tor leaves per second: captures at four points and two recordings."""


@dataclass(frozen=True, slots=True)
class RunFiles:
    """What a run keeps beside the database."""

    run_id: str

    @property
    def directory(self) -> Path:
        """The run's directory in the results."""
        return storage.run_directory(self.run_id)

    def topology(self, text: str, changes: Mapping[str, Any]) -> Path:
        """The file of the run's topology, in which dotted keys have other values.

        LabError where it cannot be written.
        """
        file = self.directory / variant_file(changes)
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(varied(text, changes), encoding="utf-8")
        except OSError as error:
            raise LabError(f"cannot write {file}: {error.strerror}", "Make room.") from error
        return file


class LabExecutor:
    """An `Executor` that calls in a real lab."""

    def __init__(
        self,
        client: DockerClient,
        lab: str,
        run_id: str,
        topology: str,
        lab_is_own: bool,
        host: str | None = None,
    ) -> None:
        """`topology` is its YAML; `lab_is_own` whether the run brought the lab up before.

        `host` is what records call this host; None: its own name.
        """
        self.lab = lab
        self.lab_is_own = lab_is_own
        self._client = client
        self._host = host or platform.node()
        self._files = RunFiles(run_id)
        self._topology = topology
        self._current: Path | None = None
        """The topology of which this executor knows that the lab is up and well."""
        self._open = ExitStack()
        self._measures: Measurer | None = None

    def prepare(self, point: Point, tell: Listener) -> dict[str, str]:
        """Bring the lab up for its first point; the versions of all it consists of.

        LabError where it cannot be brought up, or is another lab of the same name.
        """
        with _in_words():
            if self._find() is None:
                self.lab_is_own = True
            self._have_up(point, tell)
            return component_versions(open_lab(self._client, self.lab))

    def execute(self, planned: PlannedCall, tell: Listener) -> CallRecord:
        """Make one call at its point; see `Executor`."""
        with _in_words():
            _check_room(planned.point[DURATION])
            self._have_up(planned.point, tell)
            tell = both(tell, in_lab(self.lab, "experiment"))
            with having_turn(self._client, self.lab, tell) as lab:
                record = self._call(lab, planned, tell)
            if record.status != "ok":
                # Without room a failure says nothing about the point.
                _check_room()
            if stops_a_node(planned.point):
                # It runs again, but nobody has seen that its programs work.
                self._current = None
        return record

    def _call(self, lab: ReadyLab, planned: PlannedCall, tell: Listener) -> CallRecord:
        """Make the call; where its surroundings cannot be had, that is how the call failed.

        LabError where no call by its method can be made in this lab.
        """
        point = planned.point
        METHODS.named(point.method).hiding(point[ANONYMOUS]).check_topology(lab.topology)
        plan = self._plan(planned)
        record: CallRecord | None = None
        try:
            with conditions(lab, point, planned.seed, tell) as observers:
                record = make_call(lab, plan, tell, observers, self._measurer())
        except LabError as error:
            if record is None:
                return failed_call(lab, plan, error.message, self._measurer())
            log.warning("after call %s: %s", record.call_id, error.message)
        except BaseException:
            # Interrupted before it could be stored: it is made again, and leaves nothing.
            if record is not None and record.artefacts:
                shutil.rmtree(record.artefacts, ignore_errors=True)
            raise
        return record

    def _plan(self, planned: PlannedCall) -> CallPlan:
        run_id = self._files.run_id
        if planned.calibrates:
            plan = call_plan(planned.point, seed=planned.seed)
            return replace(plan, columns={**plan.columns, "host": self._host, "calibrates": run_id})
        plan = call_plan(planned.point, planned.number, seed=planned.seed, run_id=run_id)
        return replace(plan, columns={**plan.columns, "host": self._host})

    def _measurer(self) -> Measurer:
        """The one process that measures all calls of this lab."""
        if self._measures is None:
            self._measures = self._open.enter_context(measuring())
        return self._measures

    def close(self) -> None:
        """Take the lab down if the run brought it up."""
        self._open.close()
        if self.lab_is_own:
            down(self._client, self.lab)

    def _find(self) -> RunningLab | None:
        return next(iter(find_labs(self._client, self.lab)), None)

    def _have_up(self, point: Point, tell: Listener) -> None:
        """Have the lab with the point's topology up, and all of it."""
        topology = self._files.topology(self._topology, changes_of(point))
        lab = self._find()
        if topology != self._current or lab is None or lab.stopped:
            if self._current not in (None, topology):
                self._take_down_for(point, tell)
            self._bring_up(topology, tell)
            self._current = topology

    def _take_down_for(self, point: Point, tell: Listener) -> None:
        if not self.lab_is_own:
            raise LabError(
                f"lab {self.lab} is up with another topology than {point.point_id} needs",
                f"Take it down (`lab down {self.lab}`) and let the run bring it up.",
            )
        with turn_in(self.lab, tell):
            tell(Began("bringing the lab up with another topology"))
            down(self._client, self.lab)

    def _bring_up(self, topology: Path, tell: Listener) -> None:
        with bringing_up(tell):
            try:
                up(self._client, str(topology), self.lab, tell)
            except LabError as error:
                if not self.lab_is_own:
                    raise
                log.info("lab %s is taken down and brought up anew: %s", self.lab, error)
                tell(Began("bringing the lab up anew"))
                down(self._client, self.lab)
                up(self._client, str(topology), self.lab, tell)


@contextmanager
def _in_words() -> Iterator[None]:
    """Turn what Docker and the disk say when they are gone into a LabError."""
    try:
        yield
    except (DockerException, RequestException) as error:
        raise LabError(
            trouble(error) or str(error),
            "If it is down, start it; then `lab experiment resume last`.",
        ) from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise LabError(
            f"no call can be made: {reason}", "Then go on with `lab experiment resume last`."
        ) from error


def _check_room(duration_s: int | None = None) -> None:
    needed = MIN_FREE_BYTES + BYTES_PER_S * (duration_s or 0)
    home = storage.home()
    home.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(home).free
    if free < needed:
        raise LabError(
            f"the disk of {home} is full: {free / 2**20:.0f} MiB are left",
            "Make room, then `lab experiment resume last`.",
        )
