"""What is said of a call that is over, from its record alone; what is not there says so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

from lab.ends import EACH_END
from lab.measure.opinions import OPINIONS
from lab.measure.record import CallRecord
from lab.verdict import FAILED, INVALID, VALID, Verdict

NOT_MEASURED = "not measured"
PLACES = ("tunnel", "access", "exit", "service", "callee_exit", "callee_access", "callee_tunnel")
"""At which bandwidth is counted, as columns have them."""


MOODS: Mapping[Verdict, str] = {VALID: "good", INVALID: "warn", FAILED: "bad"}
SIGNS: Mapping[Verdict, str] = {VALID: "✓", INVALID: "!", FAILED: "✗"}
"""The same to the eye, for who sees no colours."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table whose first column is what the others are figures of."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def figure(value: float | str | None, digits: int, unit: str = "") -> str:
    """A figure as it is shown."""
    if value is None:
        return NOT_MEASURED
    return value if isinstance(value, str) else f"{value:.{digits}f}{unit and f' {unit}'}"


def opinions_table(record: CallRecord) -> Table:
    """What every opinion says of either end, beside what the codec alone would reach."""
    row = record.to_dict()
    rows = [
        (
            opinion.title,
            *(figure(opinion.value(row, end), 2) for end in EACH_END),
            figure(opinion.best(row), 2),
        )
        for opinion in OPINIONS
    ]
    rows.insert(1, ("PESQ raw", *_of_ends(record, "pesq_raw", 2), ""))
    if record.caller_windows or record.callee_windows:
        for name, label in (("min", "worst"), ("p50", "median"), ("max", "best")):
            cells = _of_ends(record, f"window_mos_{name}", 2)
            rows.append((f"PESQ in windows, {label}", *cells, ""))
    return Table(
        "How it sounds", ("opinion", "caller hears", "callee hears", "codec alone"), tuple(rows)
    )


WAY = (
    ("one-way delay, median", "owd_ms_p50", 1, "ms"),
    ("one-way delay, 95 %", "owd_ms_p95", 1, "ms"),
    ("one-way delay, maximum", "owd_ms_max", 1, "ms"),
    ("jitter, mean", "jitter_mean", 2, "ms"),
    ("loss", "loss_pct", 2, "%"),
    ("late for playout", "late_pct", 2, "%"),
    ("stalls", "stalls", 0, ""),
    ("stalled, in all", "stall_ms_total", 0, "ms"),
    ("packets per burst", "burst_mean", 2, ""),
    ("from burst to burst, median", "burst_gap_ms_p50", 0, "ms"),
    ("concealed by the program", "concealed_pct", 2, "%"),
)


def way_table(record: CallRecord) -> Table:
    """What the way did to the voice."""
    rows = [(label, *_of_ends(record, name, digits, unit)) for label, name, digits, unit in WAY]
    return Table("What the way did", ("figure", "to the caller", "to the callee"), tuple(rows))


def bandwidth_table(record: CallRecord) -> Table:
    """What was counted at the points of the call, kbit/s; the points that no column has are out."""
    rows = []
    for place in PLACES:
        for level in ("ip", "eth"):
            name = f"kbps_{place}_{level}"
            if hasattr(record, name):
                there, back = getattr(record, name), getattr(record, f"{name}_back")
                where = place.replace("callee_", "callee's ")
                label = f"{where}, {level.upper()}"
                rows.append((label, figure(back, 1), figure(there, 1)))
    return Table(
        "Bandwidth, kbit/s", ("at", "towards the caller", "towards the callee"), tuple(rows)
    )


def told(record: CallRecord) -> Iterator[tuple[str, str]]:
    """Of what is said in words: about what, and what."""
    rate = "" if record.bitrate_kbps is None else f" at {record.bitrate_kbps} kbit/s"
    ptime = figure(record.ptime_ms, 0, "ms")
    coding = f"{record.codec}{rate} in packets of {ptime}"
    yield "voice", f"{figure(record.duration_s, 0, 's')} of {record.encoder or coding}"
    yield "ends", f"{record.phone or NOT_MEASURED}; playout {record.playout or NOT_MEASURED}"
    exchange = record.pbx + (f" ({record.pbx_profile})" if record.pbx_profile else "")
    yield "exchange", exchange
    yield "set up in", figure(record.setup_ms, 0, "ms")
    half_ms = None if record.rtt_ms is None else record.rtt_ms / 2
    yield "half of the round trip", figure(half_ms, 1, "ms")
    yield from _circuits(record)
    for end in EACH_END:
        diagnosis = getattr(record, f"{end}_diagnosis")
        if diagnosis:
            yield f"arriving at the {end}", diagnosis
        elif getattr(record, f"{end}_burst_mean") is None:
            yield f"arriving at the {end}", NOT_MEASURED
        else:
            yield f"arriving at the {end}", "no marks of bursts, queues or repaired loss"
    yield from (("opinions disagree", said) for said in record.opinions_disagree)
    yield from (("broken during the call", broken) for broken in record.faults)
    if record.link_point:
        yield (
            "shared link",
            f"{record.link_point}: {figure(record.rate_achieved_kbps, 0)} of "
            f"{record.link_rate_kbps} kbit/s, {figure(record.link_drops, 0)} packets dropped",
        )
    if record.load_kind:
        yield (
            "competing",
            f"{record.load_count} {record.load_kind} ({record.load_through}), "
            f"{figure(record.load_goodput_kbps_mean, 1, 'kbit/s')} each",
        )
    yield (
        "pace of the senders",
        f"99 % within {figure(record.pacing_ms_p99, 1, 'ms')}, worst "
        f"{figure(record.pacing_ms_max, 1, 'ms')}",
    )
    yield (
        "host",
        f"CPU {figure(record.cpu_pct, 0, '%')}, stolen {figure(record.steal_pct, 1, '%')}, "
        f"busiest node {record.busiest_node or NOT_MEASURED}",
    )


def _circuits(record: CallRecord) -> Iterator[tuple[str, str]]:
    if record.circuit:
        by = f", by bridge {record.bridge} ({record.bridge_transport})" if record.bridge else ""
        yield "circuit", record.circuit.replace(" ", " → ") + by
        seen = record.circuit_seen
        yield "as its relays saw it", seen.replace(" ", " → ") if seen else NOT_MEASURED
        yield "TCP_NODELAY in Tor", record.nodelay or NOT_MEASURED
    if record.callee_relays:
        yield "the callee's circuit", record.callee_relays.replace(" ", " → ")
    if record.service_circuit:
        yield "the service's circuit", record.service_circuit.replace(" ", " → ")
    for leg, carried in record.circuit_legs.items():
        yield f"leg {leg.replace(' ', ' → ')}", carried
    if record.tors:
        versions: dict[str, list[str]] = {}
        for node, version in record.tors.items():
            versions.setdefault(version, []).append(node)
        words = (f"{version} at {', '.join(nodes)}" for version, nodes in versions.items())
        yield "Tor", "; ".join(words)


def as_html(table: Table) -> str:
    """A table as HTML, its title as caption; every cell is taken as text."""
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in table.columns)
    rows = "".join(
        f'<tr><th scope="row">{escape(first)}</th>'
        + "".join(f"<td>{escape(cell)}</td>" for cell in cells)
        + "</tr>"
        for first, *cells in table.rows
    )
    return (
        f'<table class="lab-figures"><caption>{escape(table.title)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    )


def whole_record(record: CallRecord) -> Table:
    """Every column."""
    rows = tuple((name, _plain(value)) for name, value in record.to_dict().items())
    return Table("The whole record", ("column", "value"), rows)


def _plain(value: Any) -> str:
    if value is None:
        return NOT_MEASURED
    if isinstance(value, dict):
        return ", ".join(f"{key}: {each}" for key, each in value.items()) or "none"
    if isinstance(value, list):
        return "; ".join(map(str, value)) or "none"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _of_ends(record: CallRecord, name: str, digits: int, unit: str = "") -> tuple[str, ...]:
    return tuple(figure(getattr(record, f"{end}_{name}"), digits, unit) for end in EACH_END)
