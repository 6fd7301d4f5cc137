"""A call's directory → the call's record, and the scores of its recordings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from lab.ends import CALLEE, CALLER
from lab.errors import LabError
from lab.measure.call.available import note_available
from lab.measure.call.circuits import ended_circuits, note_circuits
from lab.measure.call.clocks import note_hosts
from lab.measure.call.delays import note_delays
from lab.measure.call.end_kind import EndFigures
from lab.measure.call.ends import ENDS
from lab.measure.call.entries import direct_faults, note_entries
from lab.measure.call.exchange import note_exchange
from lab.measure.call.faults import broken_on_purpose, note_faults
from lab.measure.call.fidelity import judge
from lab.measure.call.forwarded import note_forwarded
from lab.measure.call.legs import legs_ms
from lab.measure.call.link import note_links
from lab.measure.call.load import note_load
from lab.measure.call.nodelay import note_nodelay
from lab.measure.call.notes import CallNotes, read_notes
from lab.measure.call.opinions import note_opinions
from lab.measure.call.rendezvous import note_rendezvous
from lab.measure.call.replay import note_replay
from lab.measure.call.scores import Map, note_scores
from lab.measure.call.shapes import shape_faults
from lab.measure.call.silence import note_silence
from lab.measure.call.stalls import note_stalls
from lab.measure.call.streams import note_streams
from lab.measure.call.tors import note_tors
from lab.measure.call.traffic import note_bandwidth, strayed_faults
from lab.measure.call.tunnel import note_tunnels
from lab.measure.emodel import rate
from lab.measure.host_load import cpu_shares_pct, load_between
from lab.measure.record import COLUMNS, CallRecord
from lab.wire.plain import ShapeError, from_plain


@dataclass(frozen=True, slots=True)
class Measured:
    """What a call's directory holds, in figures."""

    record: CallRecord
    scores: dict[str, Any]
    """The whole score of every recording, by what it is of; empty for a call that failed."""
    stalls: dict[str, Any]
    """The ledger of what either end heard, by end; empty where there is none."""


def measure_call(directory: Path, mapped: Map = map) -> Measured:
    """Measure a call from its directory alone.

    The same files give the same record, wherever they lie and whoever measures: but for
    `artefacts`, which is where they lie. `mapped` scores several recordings, in whatever
    processes. LabError where the directory does not describe a call; a call that failed, or
    whose captures are not what it needs, is a record with a reason.
    """
    notes = read_notes(directory)
    record = _record(notes)
    record.artefacts = str(directory)
    scores: dict[str, Any] = {}
    stalls: dict[str, Any] = {}
    _note_surroundings(record, notes)
    record.invalid_reasons += strayed_faults(notes, directory)
    note_tunnels(record, notes.lab, directory)
    record.invalid_reasons += direct_faults(notes, directory)
    figures = _note_ends(record, notes)
    if record.status == "ok":
        try:
            scores, stalls = _note_voice(record, notes, directory, figures, mapped)
            note_opinions(record, directory)
        except LabError as error:
            # Files of the call go by their names: where it lies is no property of it.
            reason = error.message.replace(f"{directory}/", "")
            record.status, record.reason = "failed", reason
    record.invalid_reasons += [
        f"{_called(node.name)} ended during the call, exit status {node.exit_code}"
        for node in notes.ended_nodes
        if node.name not in broken_on_purpose(notes)
    ]
    judge(record)
    return Measured(record, scores, stalls)


def _record(notes: CallNotes) -> CallRecord:
    """What the record says of a call before anything is measured."""
    lab, plan, coding = notes.lab, notes.plan, notes.coding
    record = CallRecord(
        call_id=notes.call_id,
        run_id=plan.run_id,
        started_at=notes.started_at,
        method=plan.method,
        codec=coding.codec,
        ptime_ms=float(coding.ptime_ms),
        bitrate_kbps=coding.bitrate_kbps,
        encoder=notes.encoder,
        lab=lab.name,
        topology=lab.topology,
        pbx=notes.exchange,
        pbx_profile=lab.pbx_profile if notes.exchange == "freeswitch" else None,
        seed=plan.seed,
        link_rate_kbps=lab.link_rate_kbps,
        duration_s=notes.duration_s,
        vad=plan.vad,
        fec=plan.fec,
        tunnel_setup_ms=notes.tunnel_setup_ms,
        callee_tunnel_setup_ms=notes.callee_tunnel_setup_ms,
        congestion_control=lab.congestion_control,
        cipher=lab.cipher,
        digest=lab.digest,
        versions=dict(notes.versions),
        status="ok" if (reason := _reason(notes)) is None else "failed",
        reason=reason,
    )
    record.caller_place, record.callee_place = lab.places.get(CALLER), lab.places.get(CALLEE)
    if notes.path is not None:
        record.server_place = lab.places.get(notes.path.server.node)
    for name, value in plan.columns.items():
        if name in COLUMNS:
            setattr(record, name, value)
        elif value is not None:
            record.asked[name] = value
    return record


def _reason(notes: CallNotes) -> str | None:
    """Why the call failed, with what ended meanwhile: a node, and then the lab failed and not the
    network, or else a circuit.

    A call that lost a circuit has failed, even where its programs said good-bye as usual.
    """
    circuits = ", ".join(ended_circuits(notes.circuits))
    if notes.failure is None:
        return f"during the call {circuits}" if circuits else None
    ended = ["the whole lab"] if notes.lab_gone else [node.name for node in notes.ended_nodes]
    if ended:
        return f"{notes.failure} (during the call ended: {', '.join(ended)})"
    return f"{notes.failure} (during the call {circuits})" if circuits else notes.failure


def _called(ended: str) -> str:
    """What ended, for a sentence: a node, whose name has no spaces, or what runs beside one."""
    return ended if " " in ended else f"node {ended}"


def _note_surroundings(record: CallRecord, notes: CallNotes) -> None:
    """The lab and the host during the call: circuit, links, competitors, processors, captures."""
    note_circuits(record, notes.path, notes.circuits, may_end=bool(notes.faults))
    note_forwarded(record, notes)
    note_tors(record, notes.tors, notes.lab.authority)
    note_entries(record, notes)
    note_rendezvous(record, notes)
    note_nodelay(record, notes)
    record.legs_ms = legs_ms(notes.path, notes.delays)
    note_links(record, notes.links)
    note_delays(record, notes.delays)
    note_faults(record, notes)
    told = record.invalid_reasons
    told += [fault for fault in shape_faults(notes.shapes) if fault not in told]
    if notes.load is not None:
        note_load(record, notes.load)
    note_available(record, notes)
    dropped = [counts.dropped for counts in notes.captures.values()]
    record.capture_drops = sum(count or 0 for count in dropped) if dropped else None
    if notes.scheduling is not None:
        record.scheduling_ms_p99 = notes.scheduling.p99_ms
        record.scheduling_ms_max = notes.scheduling.max_ms
        record.clock_shift_ms = notes.scheduling.clock_shift_ms
    if notes.ping is not None and notes.ping.sent:
        record.rtt_lost_pct = 100 * (1 - (notes.ping.received or 0) / notes.ping.sent)
        record.rtt_ms = median(notes.ping.rtt_ms) if notes.ping.rtt_ms else None
    if notes.callee_ping is not None:
        _add_callee_rtt(record, notes.callee_ping.rtt_ms)
    note_hosts(record, notes)
    every = [notes.host, *(watch.processors for watch in notes.hosts)]
    loads = [load for pair in every if pair and (load := load_between(*pair))]
    if len(loads) == len(every):
        record.cpu_pct = max(load.cpu_pct for load in loads)
        record.steal_pct = max(load.steal_pct for load in loads)
    if notes.usage is not None and (shares := cpu_shares_pct(*notes.usage)):
        record.busiest_node = max(shares, key=lambda name: shares[name])
        record.busiest_node_cpu_pct = shares[record.busiest_node]


def _note_ends(record: CallRecord, notes: CallNotes) -> dict[str, EndFigures]:
    """What the programs at both ends told."""
    if notes.reports is None:
        return {}
    kind = ENDS.named(notes.reports.kind)
    told = {"caller": notes.reports.caller, "callee": notes.reports.callee}
    try:
        figures = {
            end: kind.figures(from_plain(kind.report, plain), notes) for end, plain in told.items()
        }
    except ShapeError as error:
        words = f"what the ends of call {notes.call_id} told cannot be read: {error}"
        raise LabError(words) from error
    caller = figures["caller"]
    record.phone, record.setup_ms = caller.program, caller.setup_ms
    record.phone_settings = caller.settings
    record.playout = None if caller.playout is None else str(caller.playout)
    if caller.round_trips_ms:
        record.rtt_ms = median(caller.round_trips_ms)
    if notes.path is not None and notes.path.callee_leg is not None:
        _add_callee_rtt(record, figures["callee"].round_trips_ms)
    return figures


def _add_callee_rtt(record: CallRecord, round_trips_ms: Sequence[float]) -> None:
    """Of a callee with a way of its own: then the caller's round trip is but a part of it."""
    if round_trips_ms:
        record.callee_rtt_ms = median(round_trips_ms)
        if record.rtt_ms is not None:
            record.rtt_ms += record.callee_rtt_ms


def _note_voice(
    record: CallRecord,
    notes: CallNotes,
    directory: Path,
    figures: dict[str, EndFigures],
    mapped: Map,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """All that is seen in packets and heard in recordings; LabError where they are not there.

    Returns the whole scores, and the ledgers of stalls.
    """
    if notes.reports is None:
        raise LabError("neither end told anything of the call")
    kind = ENDS.named(notes.reports.kind)
    voice = kind.find_voice(directory, notes)
    coded = kind.coded(notes, voice)
    record.payload_type, record.ptime_ms = coded.payload_type, coded.ptime_ms
    record.invalid_reasons += coded.faults
    note_streams(record, notes, voice)
    if record.payload_type is not None:
        note_silence(record, notes, directory, voice)
        note_exchange(record, notes, directory, voice)
    stalls = note_stalls(record, notes, voice, kind)
    note_replay(record, notes, directory, voice)
    for end, told in figures.items():
        _note_rating(record, end, told)
    note_bandwidth(record, notes, directory, voice)
    return note_scores(record, notes, directory, mapped), stalls


def _note_rating(record: CallRecord, end: str, told: EndFigures) -> None:
    """What playout made of the voice, and the E-model's view of it, from mouth to ear."""
    if told.concealed_share is None:
        return
    concealed_pct = 100 * told.concealed_share
    setattr(record, f"{end}_concealed_pct", concealed_pct)
    owd_ms = getattr(record, f"{end}_owd_ms_p50")
    if owd_ms is not None and told.held_ms is not None:
        rating = rate(record.codec, owd_ms + told.held_ms, concealed_pct)
        setattr(record, f"{end}_emodel_r", rating.r if rating else None)
