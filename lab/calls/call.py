"""One call from beginning to end: open the path, talk, measure, keep."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import ExitStack

from lab.calls.beside import Beside
from lab.calls.figures import ended
from lab.calls.measuring import Measurer, measuring
from lab.calls.methods import METHODS
from lab.calls.observe.available import note_available
from lab.calls.observe.delays import DelayReaders
from lab.calls.observe.host_clocks import HostClocks
from lab.calls.observe.nodes import watching_nodes
from lab.calls.observe.observer import Observer
from lab.calls.observe.probes import Probes
from lab.calls.observe.processors import Processors
from lab.calls.observe.tors import note_tors
from lab.calls.site import CallSite, new_site
from lab.calls.stages import CALLING, OPENING_PATH, STARTING_CAPTURES
from lab.calls.versions import component_versions
from lab.calls.workspace import discard_workspace, keep_workspace, make_workspace
from lab.ends import CALLEE, CALLER
from lab.engine.client import connect
from lab.engine.discovery import find_labs
from lab.errors import LabError
from lab.events import Began, CallBegan, CallInterrupted, CircuitOpened, Listener, silent
from lab.lifecycle.ready import ReadyLab
from lab.measure.call.notes import CallNotes, CallPlan, EndedNode, write_notes
from lab.measure.call.path import VoicePath
from lab.measure.record import CallRecord

log = logging.getLogger(__name__)


def make_call(
    lab: ReadyLab,
    plan: CallPlan,
    tell: Listener = silent,
    observers: Sequence[Observer] = (),
    measurer: Measurer | None = None,
) -> CallRecord:
    """Make one call and return its record; its files are in the results when this returns.

    `observers` watch what surrounds the call (its link, the competing traffic) while it lasts;
    `measurer` is one for several calls, else this one has its own. A call that fails is a record
    too. UsageError for an unknown method, coding or phone; LabError where the topology cannot
    carry the method, or the call's files cannot be written. On Ctrl-C the call's files are removed.
    """
    site = new_site(lab, plan, METHODS.named(plan.method).hiding(plan.anonymous))
    with ExitStack() as stack:
        measurer = measurer or stack.enter_context(measuring())
        try:
            make_workspace(lab, site.notes.call_id)
            tell(CallBegan(site.notes.call_id, plan.method, site.coding.codec.name, plan.run_id))
            _call(site, tell, observers, measurer)
            record = _measured(site, tell, measurer)
        except BaseException:
            discard_workspace(site.workspace)
            tell(CallInterrupted(site.notes.call_id))
            raise
    tell(ended(record))
    return record


def failed_call(
    lab: ReadyLab, plan: CallPlan, reason: str, measurer: Measurer | None = None
) -> CallRecord:
    """The record of a call that could not even begin, for `reason`; see `make_call`."""
    site = new_site(lab, plan, METHODS.named(plan.method).hiding(plan.anonymous))
    make_workspace(lab, site.notes.call_id)
    site.notes.failure = reason
    site.notes.versions = component_versions(lab)
    _note_ended_nodes(site)
    with ExitStack() as stack:
        return _measured(site, silent, measurer or stack.enter_context(measuring()))


def _call(
    site: CallSite, tell: Listener, observers: Sequence[Observer], measurer: Measurer
) -> None:
    """Make the call; all that becomes known of it is in its notes, also why it failed."""
    notes = site.notes
    with Beside(site, measurer) as beside:
        try:
            _talk(site, tell, observers, beside)
            beside.check_clip()
        except LabError as error:
            notes.failure = notes.failure or error.message
            log.debug("call failed", exc_info=error)
        note_tors(site.lab, notes)
        notes.versions = beside.versions()
    _note_ended_nodes(site)


def _talk(site: CallSite, tell: Listener, observers: Sequence[Observer], beside: Beside) -> None:
    """Let both ends talk over the call's path, captured and watched; LabError where they cannot.

    The programs of both ends and the probes start while the path is being opened.
    """
    lab, method, notes, workspace = site.lab, site.method, site.notes, site.workspace
    way, conversation = method.way_of(notes.plan), method.talkers.conversation.load()(site)
    path = notes.path = way.plan(lab, notes.plan.seed)
    with (
        conversation.at_the_ready(),
        Probes(lab, method.points, path, workspace) as probes,
        DelayReaders(lab, path) as delays,
        HostClocks(lab) as clocks,
    ):
        tell(Began(OPENING_PATH))
        with way.open(lab, path, notes, workspace) as circuits:
            for circuit in _callers_circuits(path, notes):
                tell(CircuitOpened(circuit))
            if path.callee_leg:
                tell(CircuitOpened(path.callee_leg.circuit, CALLEE))
            tell(Began(STARTING_CAPTURES))
            with probes.observing(notes), watching_nodes(lab, notes), ExitStack() as watching:
                for observer in observers:
                    if begins := watching.enter_context(observer(notes)):
                        site.awaiting_voice.append(begins)
                watching.enter_context(delays.reading(notes))
                watching.enter_context(clocks.comparing(notes))
                duration_s = notes.duration_s = notes.plan.duration_s or beside.clip_s()
                probes.await_start()
                processors = Processors(lab, duration_s)
                tell(Began(CALLING))
                conversation.talk(path, duration_s)
                processors.end()
                if not notes.plan.available:
                    beside.begin_measuring()
            conversation.end()
            if notes.plan.available and notes.failure is None:
                # Nothing else of the call goes on any more: no capture, no reading, no scoring.
                processors.note(notes)
                tell(Began("measuring what bandwidth is left"))
                note_available(lab, path, circuits, notes)
            if notes.plan.available:
                beside.begin_measuring()
    processors.note(notes)


def _callers_circuits(path: VoicePath, notes: CallNotes) -> tuple[tuple[str, ...], ...]:
    """The relays of each circuit of the caller: one, the two that Tor has linked, or several."""
    if path.paths:
        return path.paths
    if path.linked:
        [built] = [each.built for each in notes.circuits if each.end == CALLER]
        return tuple(leg.path for leg in built.legs)
    return (path.circuit,) if path.circuit else ()


def _note_ended_nodes(site: CallSite) -> None:
    """A call during which any node ended proves nothing, even if both ends heard everything."""
    name = site.lab.running.name
    now = next(iter(find_labs(connect(), name)), None)
    site.notes.lab_gone = now is None
    if now is not None:
        # One that is paused has not ended: who watches nodes tells of it.
        dead = [node for node in now.stopped if node.state != "paused"]
        site.notes.ended_nodes = tuple(EndedNode(n.name, n.exit_code) for n in dead)


def _measured(site: CallSite, tell: Listener, measurer: Measurer) -> CallRecord:
    """The record of a call from what it left, which is kept in the results from now on."""
    tell(Began("measuring"))
    write_notes(site.workspace.host, site.notes)
    record = measurer.measure(site.workspace.host)
    record.artefacts = str(keep_workspace(site.workspace))
    return record
