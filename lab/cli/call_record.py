"""The record of one call, for a person to read."""

from __future__ import annotations

import json
from pathlib import Path

from rich.table import Table
from rich.text import Text

from lab.cli.output import out, styled
from lab.ends import EACH_END
from lab.measure.call.files import SCORES
from lab.measure.opinions import OPINIONS
from lab.measure.record import CallRecord
from lab.verdict import FAILED, INVALID, VALID

COLOURS = {VALID: "green", INVALID: "yellow", FAILED: "red"}


def print_record(record: CallRecord) -> None:
    """Print what a person wants to know of one call."""
    out.print(Text.assemble(f"{record.method} call {record.call_id}: ", *_verdict(record)))
    table = Table(box=None, header_style="bold")
    for column in ("", "caller hears", "callee hears"):
        table.add_column(column, justify="left" if not column else "right")
    table.add_row("PESQ MOS-LQO", _n(record.caller_pesq_mos, 2), _n(record.callee_pesq_mos, 2))
    if record.caller_windows or record.callee_windows:
        _add_window_rows(table, record)
    table.add_row("codec alone", *[_n(record.pesq_ceiling_mos, 2)] * 2)
    table.add_row("PESQ raw", _n(record.caller_pesq_raw, 2), _n(record.callee_pesq_raw, 2))
    table.add_row("E-model R", _n(record.caller_emodel_r, 1), _n(record.callee_emodel_r, 1))
    _add_opinion_rows(table, record)
    for name, label in (("p50", "median"), ("p95", "95 %"), ("p99", "99 %"), ("max", "maximum")):
        table.add_row(
            f"one-way delay, {label} (ms)",
            _n(getattr(record, f"caller_owd_ms_{name}"), 1),
            _n(getattr(record, f"callee_owd_ms_{name}"), 1),
        )
    table.add_row(
        "jitter, mean (ms)", _n(record.caller_jitter_mean, 2), _n(record.callee_jitter_mean, 2)
    )
    table.add_row("loss (%)", _n(record.caller_loss_pct, 2), _n(record.callee_loss_pct, 2))
    for name, label, digits in (
        ("stalls", "stalls", 0),
        ("stall_ms_total", "stalled, in all (ms)", 0),
        ("late_pct", "late for playout (%)", 2),
    ):
        cells = (getattr(record, f"{end}_{name}") for end in EACH_END)
        table.add_row(label, *(_n(value, digits) for value in cells))
    table.add_row(
        "packets per burst", _n(record.caller_burst_mean, 2), _n(record.callee_burst_mean, 2)
    )
    table.add_row(
        "from burst to burst, median (ms)",
        _n(record.caller_burst_gap_ms_p50, 0),
        _n(record.callee_burst_gap_ms_p50, 0),
    )
    if record.profile_used:
        _add_profile_rows(table, record)
    _add_pause_row(table, record)
    _add_pbx_rows(table, record)
    _add_bandwidth_rows(table, record)
    out.print(table)
    _print_disagreements(record)
    if record.artefacts and (record.caller_windows or record.callee_windows):
        _print_series(Path(record.artefacts))
    _print_diagnoses(record)
    half_rtt = None if record.rtt_ms is None else record.rtt_ms / 2
    out.print(
        f"{_n(record.duration_s, 0)} s of {_coding(record)}, phones {record.phone}, "
        f"PBX {record.pbx}{f' ({record.pbx_profile})' if record.pbx_profile else ''}, "
        f"set up in {_n(record.setup_ms, 0)} ms, RTT/2 by ping {_n(half_rtt, 1)} ms, "
        f"playout {record.playout or 'unknown'}"
    )
    if record.link_point:
        out.print(
            f"shared link {record.link_point}: {_n(record.rate_achieved_kbps, 0)} of "
            f"{record.link_rate_kbps} kbit/s; queue {record.queue_kind} "
            f"{record.queue_packets or record.queue_bytes}, of which in use "
            f"{_n(record.link_backlog_p50_packets, 0)} "
            f"(95 %: {_n(record.link_backlog_p95_packets, 0)}); {record.link_drops} dropped"
        )
    if record.profile_used:
        out.print(
            f"profile {record.profile or ''}, {record.profile_used}: 99 % of voice within "
            f"{_n(record.replay_error_ms_p99, 2)} ms of it, half within "
            f"{_n(record.replay_error_ms_p50, 2)} ms; "
            + (
                "losses cannot be compared"
                if record.replay_loss_errors is None
                else f"{record.replay_loss_errors} packets lost or kept against it"
            )
        )
    _print_faults(record)
    if record.load_kind:
        out.print(
            f"competing: {record.load_count} {record.load_kind} ({record.load_through}), "
            f"{_n(record.load_goodput_kbps_mean, 1)} kbit/s each "
            f"({_n(record.load_goodput_kbps_min, 1)} to {_n(record.load_goodput_kbps_max, 1)}, "
            f"Jain {_n(record.load_jain, 3)}), {record.load_died} died"
            + (f", {record.load_retried} fetches made again" if record.load_retried else "")
            + _paced(record)
        )
    if record.caller_place or record.server_place or record.callee_place:
        out.print(_places(record))
    _print_circuits(record)
    _print_available(record)
    for leg, carried in record.circuit_legs.items():
        out.print(f"  leg {leg.replace(' ', ' → ')}: {carried}")
    if record.tors:
        versions = dict.fromkeys(record.tors.values())
        told = [
            f"{version} at {' '.join(n for n, v in record.tors.items() if v == version)}"
            for version in versions
        ]
        out.print(f"Tor {'; '.join(told)}")
    _print_hosts(record)
    out.print(
        f"pace of the senders: 99 % within {_n(record.pacing_ms_p99, 1)} ms, "
        f"worst {_n(record.pacing_ms_max, 1)} ms; host CPU {_n(record.cpu_pct, 0)} %, "
        f"stolen {_n(record.steal_pct, 1)} %, woken at most {_n(record.scheduling_ms_max, 1)} ms "
        f"late; busiest node {record.busiest_node} at {_n(record.busiest_node_cpu_pct, 0)} %"
    )
    out.print(f"files: {record.artefacts}", soft_wrap=True)


def _print_hosts(record: CallRecord) -> None:
    """How a lab's other hosts and their clocks stand to this one."""
    for host, trip_ms in record.host_rtt_ms.items():
        out.print(
            f"host {host}: round trip {trip_ms:.3f} ms, its clock ahead by "
            f"{record.host_ahead_ms[host]:.3f} ms, and during the call by "
            f"{record.host_moved_ms[host]:+.3f} ms more",
            soft_wrap=True,
        )


def _print_faults(record: CallRecord) -> None:
    """What was broken during the call, asked for or not."""
    for broken in record.faults:
        out.print(f"broken during the call: {broken}", soft_wrap=True)


def _print_diagnoses(record: CallRecord) -> None:
    """What the arrivals at either end are the marks of, where they are."""
    for end in EACH_END:
        if diagnosis := getattr(record, f"{end}_diagnosis"):
            out.print(f"arriving at the {end}: {diagnosis}", soft_wrap=True)


def _seen(record: CallRecord) -> str:
    """What the relays themselves saw of the circuit, and what TCP_NODELAY was found at."""
    if record.circuit_seen is None:
        return ""
    same = record.circuit_seen == record.circuit
    way = "the same" if same else record.circuit_seen.replace(" ", " → ")
    return (
        f"; its relays saw {way}, {record.circuit_cells} cells from the caller and "
        f"{record.circuit_cells_back} to it; TCP_NODELAY in Tor: {record.nodelay}"
    )


def _print_circuits(record: CallRecord) -> None:
    """Which relays carried it, as either side's tor told."""
    if record.circuit:
        by = f", by bridge {record.bridge} ({record.bridge_transport})" if record.bridge else ""
        out.print(f"circuit {record.circuit.replace(' ', ' → ')}{by}{_seen(record)}")
    _print_paths(record)
    if record.callee_relays:
        out.print(
            f"callee's circuit {record.callee_relays.replace(' ', ' → ')}, "
            f"{record.relays_in_both or 'none'} of its relays on the caller's, too"
        )
    if record.service_circuit:
        out.print(
            f"met {record.onion_address} at {record.rendezvous}, its circuit "
            f"{record.service_circuit.replace(' ', ' → ')}: {record.hops} hops over "
            f"{record.relays_used} relays"
        )


def _print_paths(record: CallRecord) -> None:
    """What each path of a call over several carried."""
    if not record.path_circuits:
        return
    apart = ", no relay on two of them" if record.disjoint else ""
    out.print(f"{record.paths} paths, {record.policy}{apart}:")
    for number, relays in record.path_circuits.items():
        told = [_of_path(record, end, f"{end} {number}") for end in EACH_END]
        ended = record.path_ended.get(number)
        out.print(
            f"  {number}: {relays.replace(' ', ' → ')}: {'; '.join(told)}"
            + (f"; ended: {ended}" if ended else ""),
            soft_wrap=True,
        )


def _of_path(record: CallRecord, end: str, key: str) -> str:
    """What came to an end by one path."""
    return (
        f"to the {end} {_n(record.path_first_pct.get(key), 1)} % of the packets first, half of "
        f"its frames in {_n(record.path_delay_ms_p50.get(key), 1)} ms, 99 % in "
        f"{_n(record.path_delay_ms_p99.get(key), 1)}, {_n(record.path_lost.get(key), 0)} lost"
    )


def _print_available(record: CallRecord) -> None:
    """What bandwidth was left when the call was over, where that was asked."""
    where = "on the circuit" if record.circuit else "on the path"
    down, up = record.available_kbps_down, record.available_kbps_up
    if down is not None or up is not None:
        out.print(f"bandwidth left {where}, kbit/s: {_n(down, 0)} down, {_n(up, 0)} up")
    if record.available_reason is not None:
        lacking = "not measured" if down is None else "not measured upwards"
        out.print(f"bandwidth left {where}: {lacking}, {record.available_reason}")


def _add_opinion_rows(table: Table, record: CallRecord) -> None:
    row = record.to_dict()
    for opinion in OPINIONS:
        if opinion.is_extra and opinion.name in record.versions:
            values = [opinion.value(row, end) for end in EACH_END]
            table.add_row(opinion.title, *(_n(value, 2) for value in values))
            table.add_row(f"{opinion.title}, codec alone", *[_n(opinion.best(row), 2)] * 2)


def _print_disagreements(record: CallRecord) -> None:
    for said in record.opinions_disagree:
        out.print(f"opinions disagree: {said}")


def _add_window_rows(table: Table, record: CallRecord) -> None:
    for name, label in (("min", "worst"), ("p50", "median"), ("max", "best")):
        table.add_row(
            f"PESQ in windows, {label}",
            _n(getattr(record, f"caller_window_mos_{name}"), 2),
            _n(getattr(record, f"callee_window_mos_{name}"), 2),
        )
    table.add_row(
        "windows in which nothing was heard",
        f"{_n(record.caller_windows_lost, 0)} of {_n(record.caller_windows, 0)}",
        f"{_n(record.callee_windows_lost, 0)} of {_n(record.callee_windows, 0)}",
    )


def _add_profile_rows(table: Table, record: CallRecord) -> None:
    """What the call's voice was to meet, beside what it met."""
    for name, label, digits in (
        ("pesq_mos", "PESQ MOS-LQO", 2),
        ("owd_ms_p50", "one-way delay, median (ms)", 1),
        ("owd_ms_p95", "one-way delay, 95 % (ms)", 1),
        ("jitter_mean", "jitter, mean (ms)", 2),
        ("loss_pct", "loss (%)", 2),
        ("burst_mean", "packets per burst", 2),
    ):
        cells = (getattr(record, f"{end}_profile_{name}") for end in EACH_END)
        table.add_row(f"profile: {label}", *(_n(value, digits) for value in cells))


def _add_bandwidth_rows(table: Table, record: CallRecord) -> None:
    points = ("tunnel", "access", "exit", "service")
    for point in (*points, "callee_exit", "callee_access", "callee_tunnel"):
        for level in ("ip", "eth"):
            forward = getattr(record, f"kbps_{point}_{level}", None)
            back = getattr(record, f"kbps_{point}_{level}_back", None)
            if forward is not None:
                where = point.replace("callee_", "callee's ")
                table.add_row(f"kbit/s at {where}, {level.upper()}", _n(back, 1), _n(forward, 1))


def _add_pause_row(table: Table, record: CallRecord) -> None:
    """What was left out, where anything was or should have been."""
    if record.vad or record.caller_pauses or record.callee_pauses:
        heard = (record.caller_pause_pct, record.callee_pause_pct)
        table.add_row("silence left out (%)", *(_n(value, 1) for value in heard))


def _add_pbx_rows(table: Table, record: CallRecord) -> None:
    """What the exchange did to voice on its way to each end."""
    if record.pbx_matched_by is None:
        return
    for name, label, digits in (
        ("delay_ms_p50", "in the PBX, median (ms)", 2),
        ("delay_ms_p95", "in the PBX, 95 % (ms)", 2),
        ("dropped", "packets dropped by the PBX", 0),
        ("made_up", "packets made up by the PBX", 0),
    ):
        cells = (getattr(record, f"pbx_to_{end}_{name}") for end in EACH_END)
        table.add_row(label, *(_n(value, digits) for value in cells))


def _print_series(directory: Path) -> None:
    """How PESQ went, window by window, by the time since the clip began."""
    scores = json.loads((directory / SCORES).read_text(encoding="utf-8"))
    table = Table("from s", "caller hears", "callee hears", box=None, header_style="bold")
    heard = [
        {window["clip_start_s"]: window["pesq_mos"] for window in scores[end]["windows"]}
        for end in EACH_END
    ]
    for start_s in sorted(heard[0].keys() | heard[1].keys()):
        table.add_row(f"{start_s:.1f}", *(_n(mos.get(start_s), 2) for mos in heard))
    out.print(table)


def _places(record: CallRecord) -> str:
    """Where what has a place stands."""
    at = (
        ("caller", record.caller_place),
        ("bridge", record.bridge_place),
        ("server", record.server_place),
        ("callee", record.callee_place),
    )
    return ", ".join(f"{what} in {place}" for what, place in at if place)


def _coding(record: CallRecord) -> str:
    if record.encoder is not None:
        return record.encoder
    rate = "" if record.bitrate_kbps is None else f" at {record.bitrate_kbps} kbit/s"
    return f"{record.codec}{rate} in packets of {_n(record.ptime_ms, 0)} ms"


def _paced(record: CallRecord) -> str:
    """What paced competitors delivered; others say nothing of it."""
    if record.load_delivered_pct is None:
        return ""
    return (
        f", {_n(record.load_delivered_pct, 1)} % of their voice came; "
        f"99 % of it left within {_n(record.load_pacing_ms_p99, 0)} ms of its time"
    )


def _verdict(record: CallRecord) -> tuple[Text, str]:
    error_ms = record.owd_error_ms
    exact = "" if error_ms is None else f", one-way delay exact to ± {error_ms:.2g} ms only"
    why = record.why and f": {record.why}"
    return styled(record.verdict, COLOURS[record.verdict]), f"{exact}{why}"


def _n(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
