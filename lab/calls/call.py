"""One call from beginning to end: open the path, talk, measure, keep."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime

from lab.calls.beside import Beside
from lab.calls.coding import choose_coding
from lab.calls.conversation import CallSite
from lab.calls.figures import ended
from lab.calls.measuring import Measurer, measuring
from lab.calls.method import Method
from lab.calls.methods import METHODS
from lab.calls.observe.delays import DelayReaders
from lab.calls.observe.observer import Observer
from lab.calls.observe.probes import Probes
from lab.calls.observe.processors import Processors
from lab.calls.versions import component_versions
from lab.calls.workspace import discard_workspace, keep_workspace, make_workspace, new_call_id
from lab.engine.client import connect
from lab.engine.discovery import find_labs
from lab.errors import LabError
from lab.events import Began, CallBegan, CallInterrupted, CircuitOpened, Listener, silent
from lab.lifecycle.ready import ReadyLab
from lab.measure.call.notes import (
    CallNotes,
    CallPlan,
    CodingNotes,
    EndedNode,
    LabNotes,
    write_notes,
)
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
    too. UsageError for an unknown method, coding or playout; LabError where the topology cannot
    carry the method, or the call's files cannot be written. On Ctrl-C the call's files are removed.
    """
    method = METHODS.named(plan.method)
    site = _site(lab, plan, method)
    with ExitStack() as stack:
        measurer = measurer or stack.enter_context(measuring())
        tell(CallBegan(site.notes.call_id, plan.method, site.coding.codec.name, plan.run_id))
        try:
            _call(site, method, tell, observers, measurer)
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
    site = _site(lab, plan, METHODS.named(plan.method))
    site.notes.failure = reason
    site.notes.versions = component_versions(lab)
    _note_ended_nodes(site)
    with ExitStack() as stack:
        return _measured(site, silent, measurer or stack.enter_context(measuring()))


def _site(lab: ReadyLab, plan: CallPlan, method: Method) -> CallSite:
    """Where the call is made, its directory included; nothing is known of it but what is asked."""
    method.check_topology(lab.topology)
    codec = method.codec(plan.codec)
    method.check_playout(codec, plan.playout)
    method.check_callee(codec, lab.topology)
    coding = choose_coding(codec, plan.ptime_ms, plan.bitrate_kbps)
    topology = lab.topology
    rates = {link.rate_kbps for node in topology.nodes for link in node.links}
    notes = CallNotes(
        call_id=new_call_id(),
        started_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
        plan=plan,
        coding=CodingNotes.of(coding),
        lab=LabNotes(
            name=topology.lab,
            topology=topology.name,
            congestion_control=topology.congestion_control,
            link_rate_kbps=min((rate for rate in rates if rate is not None), default=None),
            cipher=topology.vpn.cipher,
            digest=topology.vpn.digest,
            places=topology.places,
        ),
        exchange=method.talkers.exchange or str(topology.pbx),
        duration_s=plan.duration_s,
    )
    return CallSite(lab, coding, notes, make_workspace(lab, notes.call_id))


def _call(
    site: CallSite,
    method: Method,
    tell: Listener,
    observers: Sequence[Observer],
    measurer: Measurer,
) -> None:
    """Make the call; all that becomes known of it is in its notes, also why it failed."""
    notes = site.notes
    with Beside(site, measurer) as beside:
        try:
            _talk(site, method, tell, observers, beside)
            beside.check_clip()
        except LabError as error:
            notes.failure = notes.failure or error.message
            log.debug("call failed", exc_info=error)
        notes.versions = beside.versions()
    _note_ended_nodes(site)


def _talk(
    site: CallSite, method: Method, tell: Listener, observers: Sequence[Observer], beside: Beside
) -> None:
    """Let both ends talk over the method's path, captured and watched; LabError where they cannot.

    The programs of both ends and the probes start while the path is being opened.
    """
    lab, notes, workspace = site.lab, site.notes, site.workspace
    way, conversation = method.way.load(), method.talkers.conversation.load()(site)
    path = notes.path = way.plan(lab, notes.plan.seed)
    with (
        conversation.at_the_ready(),
        Probes(lab, method.points, path, workspace) as probes,
        DelayReaders(lab, path) as delays,
    ):
        tell(Began("opening the path"))
        with way.open(lab, path, notes, workspace):
            if path.circuit:
                tell(CircuitOpened(path.circuit))
            tell(Began("starting captures"))
            with probes.observing(notes), ExitStack() as watching:
                for observer in observers:
                    watching.enter_context(observer(notes))
                watching.enter_context(delays.reading(notes))
                duration_s = notes.duration_s = notes.plan.duration_s or beside.clip_s()
                probes.await_start()
                processors = Processors(lab, duration_s)
                tell(Began("calling"))
                conversation.talk(path, duration_s)
                processors.end()
                beside.begin_measuring()
            conversation.end()
    processors.note(notes)


def _note_ended_nodes(site: CallSite) -> None:
    """A call during which any node ended proves nothing, even if both ends heard everything."""
    name = site.lab.running.name
    now = next((lab for lab in find_labs(connect()) if lab.name == name), None)
    site.notes.lab_gone = now is None
    if now is not None:
        site.notes.ended_nodes = tuple(EndedNode(n.name, n.exit_code) for n in now.stopped)


def _measured(site: CallSite, tell: Listener, measurer: Measurer) -> CallRecord:
    """The record of a call from what it left, which is kept in the results from now on."""
    tell(Began("measuring"))
    write_notes(site.workspace.host, site.notes)
    record = measurer.measure(site.workspace.host)
    record.artefacts = str(keep_workspace(site.workspace))
    return record
