"""The record of one call, for a person to read."""

from __future__ import annotations

import json
from pathlib import Path

from rich.table import Table
from rich.text import Text

from lab.cli.output import out, styled
from lab.measure.record import CallRecord


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
    for name, label in (("p50", "median"), ("p95", "95 %"), ("max", "maximum")):
        table.add_row(
            f"one-way delay, {label} (ms)",
            _n(getattr(record, f"caller_owd_ms_{name}"), 1),
            _n(getattr(record, f"callee_owd_ms_{name}"), 1),
        )
    table.add_row(
        "jitter, mean (ms)", _n(record.caller_jitter_mean, 2), _n(record.callee_jitter_mean, 2)
    )
    table.add_row("loss (%)", _n(record.caller_loss_pct, 2), _n(record.callee_loss_pct, 2))
    table.add_row(
        "packets per burst", _n(record.caller_burst_mean, 2), _n(record.callee_burst_mean, 2)
    )
    if record.profile_used:
        _add_profile_rows(table, record)
    for point in ("tunnel", "access", "exit"):
        for level in ("ip", "eth"):
            forward = getattr(record, f"kbps_{point}_{level}", None)
            back = getattr(record, f"kbps_{point}_{level}_back", None)
            if forward is not None:
                table.add_row(f"kbit/s at {point}, {level.upper()}", _n(back, 1), _n(forward, 1))
    out.print(table)
    if record.artefacts and (record.caller_windows or record.callee_windows):
        _print_series(Path(record.artefacts))
    half_rtt = None if record.rtt_ms is None else record.rtt_ms / 2
    out.print(
        f"{_n(record.duration_s, 0)} s of {_coding(record)}, phones {record.phone}, "
        f"PBX {record.pbx}, "
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
    if record.load_kind:
        out.print(
            f"competing: {record.load_count} {record.load_kind} ({record.load_through}), "
            f"{_n(record.load_goodput_kbps_mean, 1)} kbit/s each "
            f"({_n(record.load_goodput_kbps_min, 1)} to {_n(record.load_goodput_kbps_max, 1)}, "
            f"Jain {_n(record.load_jain, 3)}), {record.load_died} died" + _paced(record)
        )
    if record.circuit:
        out.print(f"circuit {record.circuit.replace(' ', ' → ')}")
    out.print(
        f"pace of the senders: 99 % within {_n(record.pacing_ms_p99, 1)} ms, "
        f"worst {_n(record.pacing_ms_max, 1)} ms; host CPU {_n(record.cpu_pct, 0)} %, "
        f"stolen {_n(record.steal_pct, 1)} %, woken at most {_n(record.scheduling_ms_max, 1)} ms "
        f"late; busiest node {record.busiest_node} at {_n(record.busiest_node_cpu_pct, 0)} %"
    )
    out.print(f"files: {record.artefacts}", soft_wrap=True)


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
        cells = (getattr(record, f"{end}_profile_{name}") for end in ("caller", "callee"))
        table.add_row(f"profile: {label}", *(_n(value, digits) for value in cells))


def _print_series(directory: Path) -> None:
    """How PESQ went, window by window, by the time since the clip began."""
    scores = json.loads((directory / "scores.json").read_text(encoding="utf-8"))
    table = Table("from s", "caller hears", "callee hears", box=None, header_style="bold")
    heard = [
        {window["clip_start_s"]: window["pesq_mos"] for window in scores[end]["windows"]}
        for end in ("caller", "callee")
    ]
    for start_s in sorted(heard[0].keys() | heard[1].keys()):
        table.add_row(f"{start_s:.1f}", *(_n(mos.get(start_s), 2) for mos in heard))
    out.print(table)


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
    if record.status != "ok":
        return styled("failed", "red"), f": {record.reason}"
    if record.valid:
        return styled("valid", "green"), ""
    return styled("invalid", "yellow"), f": {'; '.join(record.invalid_reasons)}"


def _n(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
