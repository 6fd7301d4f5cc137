"""One call from beginning to end: open the path, talk, measure, judge, keep."""

from __future__ import annotations

import json
import logging
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from lab.calls.analysis import (
    note_bandwidth,
    note_readings,
    note_scores,
    note_streams,
    note_usage,
)
from lab.calls.coding import choose_coding
from lab.calls.conversation import OTHER_SPEECH, CallSite
from lab.calls.figures import ended
from lab.calls.method import Method
from lab.calls.methods import METHODS
from lab.calls.observe.observer import Observer
from lab.calls.observe.probes import probing
from lab.calls.verdict import judge
from lab.calls.versions import component_versions
from lab.calls.workspace import (
    discard_workspace,
    keep_workspace,
    make_workspace,
    new_call_id,
)
from lab.clip.fitness import ceiling_of
from lab.engine.client import connect
from lab.engine.discovery import find_labs
from lab.engine.execution import file_in
from lab.engine.host import read_cpu_times
from lab.engine.usage import begin_reading
from lab.errors import LabError
from lab.events import Began, CallBegan, CallInterrupted, CircuitOpened, Listener, silent
from lab.lifecycle.ready import ReadyLab
from lab.measure.host_load import load_between
from lab.measure.record import CallRecord
from lab.measure.wav import Wav, read_wav
from lab.wire.codecs import Coding
from lab.wire.playout import FIXED, Playout

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CallPlan:
    """What kind of call is to be made."""

    method: str
    codec: str | None = None
    """None is the method's first."""
    ptime_ms: int | None = None
    """None is the codec's usual packetisation."""
    bitrate_kbps: int | None = None
    """None is the codec's usual rate."""
    duration_s: int | None = None
    """How long both ends play, the clip repeated or cut; None is the clip once."""
    seed: int = 0
    run_id: str | None = None
    playout: Playout = FIXED
    """What both ends hear, and are scored, through."""
    vbr: bool = False
    """Mumble clients: whether Opus may vary its rate; without meaning for phones."""


def make_call(
    lab: ReadyLab,
    plan: CallPlan,
    tell: Listener = silent,
    observers: Sequence[Observer] = (),
) -> CallRecord:
    """Make one call and return its record; its files are in the results when this returns.

    `observers` watch what surrounds the call (its link, the competing traffic) while it lasts.
    A call that fails is a record too. UsageError for an unknown method, coding or playout; LabError
    where the topology cannot carry the method, or the call's files cannot be written. On Ctrl-C
    the call's files are removed.
    """
    method = METHODS.named(plan.method)
    coding = _coding(plan)
    method.check_topology(lab.topology)
    record = _new_record(lab, plan, coding)
    workspace = make_workspace(lab, record.call_id)
    try:
        tell(CallBegan(record.call_id, record.method, record.codec, record.run_id))
        site = CallSite(lab, coding, record, workspace, plan.playout, plan.vbr)
        _call_and_measure(site, method, plan.duration_s, tell, observers)
    except LabError as error:
        record.status, record.reason = "failed", error.message
        log.debug("call failed", exc_info=error)
    except BaseException:
        discard_workspace(workspace)
        tell(CallInterrupted(record.call_id))
        raise
    _note_ended_nodes(lab, record)
    judge(record)
    record.artefacts = str(keep_workspace(workspace))
    tell(ended(record))
    return record


def _note_ended_nodes(lab: ReadyLab, record: CallRecord) -> None:
    """A call during which any node ended proves nothing, even if both ends heard everything."""
    for now in find_labs(connect()):
        if now.name == lab.running.name:
            record.invalid_reasons += [
                f"node {node.name} ended during the call, exit status {node.exit_code}"
                for node in now.stopped
            ]


def failed_call(lab: ReadyLab, plan: CallPlan, reason: str) -> CallRecord:
    """The record of a call that could not even begin."""
    record = _new_record(lab, plan, _coding(plan))
    record.status, record.reason = "failed", reason
    return record


def _coding(plan: CallPlan) -> Coding:
    method = METHODS.named(plan.method)
    codec = method.codec(plan.codec)
    method.check_playout(codec, plan.playout)
    return choose_coding(codec, plan.ptime_ms, plan.bitrate_kbps)


def _new_record(lab: ReadyLab, plan: CallPlan, coding: Coding) -> CallRecord:
    topology = lab.topology
    rates = {link.rate_kbps for node in topology.nodes for link in node.links}
    return CallRecord(
        call_id=new_call_id(),
        run_id=plan.run_id,
        started_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
        method=plan.method,
        codec=coding.codec.name,
        ptime_ms=float(coding.ptime_ms),
        bitrate_kbps=coding.bitrate_kbps,
        lab=topology.lab,
        topology=topology.name,
        pbx=str(topology.pbx),
        seed=plan.seed,
        link_rate_kbps=min((rate for rate in rates if rate is not None), default=None),
        duration_s=plan.duration_s,
        cipher=topology.vpn.cipher,
        digest=topology.vpn.digest,
        congestion_control=topology.congestion_control,
        versions=component_versions(lab),
    )


def _call_and_measure(
    site: CallSite,
    method: Method,
    asked_s: int | None,
    tell: Listener,
    observers: Sequence[Observer],
) -> None:
    lab, record, workspace = site.lab, site.record, site.workspace
    reference = _fetch_clip(site)
    conversation = method.talkers.conversation.load()(site)
    duration_s = record.duration_s = asked_s or read_wav(reference).duration_s
    tell(Began("opening the path"))
    with method.path.load()(lab, record, workspace) as path:
        if record.circuit:
            tell(CircuitOpened(tuple(record.circuit.split())))
        tell(Began("starting captures"))
        with conversation.at_the_ready(), probing(lab, path, workspace) as readings:
            client = connect()
            usage_before, host_before = begin_reading(client, lab.running), read_cpu_times()
            with ExitStack() as watching:
                for observer in observers:
                    watching.enter_context(observer(record, workspace))
                tell(Began("calling"))
                conversation.talk(path, duration_s)
            load = load_between(host_before, read_cpu_times())
            usage_after = begin_reading(client, lab.running)
    succeeded = conversation.note_outcome()
    note_readings(record, readings)
    note_usage(record, usage_before(), usage_after())
    if load is not None:
        record.cpu_pct, record.steal_pct = load.cpu_pct, load.steal_pct
    if not succeeded:
        return
    tell(Began("measuring"))
    ceiling_of(reference, lambda: [_other_speech(site)])
    voice = conversation.find_streams(path)
    note_streams(record, voice, duration_s)
    conversation.note_ratings()
    note_bandwidth(record, workspace.host, lab, path, voice)
    scores = note_scores(record, workspace.host, reference, asked_s)
    (workspace.host / "scores.json").write_text(
        json.dumps(scores, indent=2, default=str), encoding="utf-8"
    )


def _other_speech(site: CallSite) -> Wav:
    """What no recording may be: speech that is not the clip's."""
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / OTHER_SPEECH.name
        file.write_bytes(file_in(site.lab.running, site.lab.caller.name, str(OTHER_SPEECH)))
        return replace(read_wav(file), name=file.name)


def _fetch_clip(site: CallSite) -> Path:
    """The clip that both ends play, copied out of the image beside the recordings."""
    clip = site.workspace.host / "reference.wav"
    lab = site.lab
    clip.write_bytes(file_in(lab.running, lab.caller.name, str(site.clip)))
    return clip
