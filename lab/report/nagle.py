"""Calls with Nagle's algorithm switched off at some places: what each place buys by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from lab.ends import CALLEE, CALLER, EACH_END
from lab.measure.bursts import jitter_of_bursts_ms
from lab.measure.nagle import SEGMENT_BYTES, TUNNEL_BYTES, Sender, burst_of, segment_of_cells
from lab.measure.record import CallRecord
from lab.measure.statistics import (
    Counts,
    Interval,
    count_calls,
    difference_interval,
    mean_interval,
)
from lab.report.distance import DistanceCalls, distances
from lab.report.naming import told_apart, without
from lab.report.selection import by_point, valid_ones, values_of
from lab.sweep.dimensions.load import LOAD_KIND, NONE
from lab.sweep.dimensions.method import METHOD
from lab.sweep.point import Point
from lab.sweep.topology_key import PREFIX, topology_key
from lab.wire.nodelay import Place

(NODELAY,) = topology_key(f"{PREFIX}tor.nodelay").coordinates
WAITED = "waited_ms"
"""One-way delay less what the legs of the call's own circuit take: each call has another circuit,
and by this they can be compared. The leg from the server to the callee is the same for all."""
MEASURED = {
    "owd_ms_p50": "one-way delay, ms",
    WAITED: "of it beyond the legs",
    "jitter_mean": "jitter, ms",
    "burst_mean": "packets per burst",
    "burst_gap_ms_p50": "burst to burst, ms",
    "pesq_mos": "PESQ",
}
"""Column, without end, or `WAITED` → what it is called."""
POINTS = {"access": "client-guard", "exit": "exit-server", "tunnel": "in the tunnel"}
"""Where bandwidth is measured → between whom."""
ADDED_BYTES = {"v-tor": TUNNEL_BYTES, "m-tor": 36}
"""What a tunnel adds to a packet of voice, and Mumble's framing with TLS to a frame of Opus."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What arrived at one end of the valid calls of a point."""

    end: str
    """`caller` or `callee`."""
    measured: dict[str, Interval]
    """By the columns of `MEASURED`."""
    burst_predicted: Interval
    """Of each call's own distances."""
    jitter_predicted: Interval
    """That of steady bursts so long."""
    against_none: dict[str, Interval]
    """Column → how much it differs from where Tor is as it is; empty for that itself."""


@dataclass(frozen=True, slots=True)
class Switched:
    """The calls at one point."""

    point: Point
    others: str
    """What distinguishes its point, beside method and place of the switch."""
    place: str
    """Where TCP_NODELAY was set, as found in the processes of its calls."""
    counts: Counts
    heard: tuple[Heard, ...]
    """At the caller, at the callee."""
    kbps: dict[str, Interval]
    """By point, at Ethernet level where there is one, mean of both directions."""
    kbps_against_none: dict[str, Interval]

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self) | {"point": self.point.to_dict()}


def switched_points(points: Sequence[Point]) -> list[Point]:
    """Those of a run that varies the place of the switch, on links without other traffic.

    None where no point is Tor as it is, or every one: there is nothing to compare then.
    """
    varied = [point for point in points if point[LOAD_KIND] == NONE and point[NODELAY] is not None]
    places = {point[NODELAY] for point in varied}
    return varied if Place.NONE in places and len(places) > 1 else []


def switches(points: Sequence[Point], calls: Sequence[CallRecord]) -> tuple[Switched, ...]:
    """Every such point that was called at."""
    varied = switched_points(points)
    made = by_point(calls)
    names = told_apart(varied, (METHOD, NODELAY))
    unswitched = {
        without(point, (NODELAY,)): valid_ones(made.get(point.point_id, []))
        for point in varied
        if point[NODELAY] == Place.NONE
    }
    return tuple(
        _row(point, name, made[point.point_id], unswitched.get(without(point, (NODELAY,)), []))
        for point, name in zip(varied, names, strict=True)
        if point.point_id in made
    )


def distances_unless_switched(
    points: Sequence[Point], calls: Sequence[CallRecord]
) -> tuple[DistanceCalls, ...]:
    """The run's calls between places; nothing where `switches` tells of the same calls."""
    return () if switched_points(points) else distances(points, calls)


def _row(
    point: Point, others: str, calls: Sequence[CallRecord], unswitched: Sequence[CallRecord]
) -> Switched:
    valid = valid_ones(calls)
    base = [] if point[NODELAY] == Place.NONE else unswitched
    found = dict.fromkeys(call.nodelay for call in valid if call.nodelay)
    return Switched(
        point=point,
        others=others,
        place=" / ".join(found) or str(point[NODELAY]),
        counts=count_calls(calls),
        heard=tuple(_heard(end, valid, base) for end in EACH_END),
        kbps={name: mean_interval(_kbps(valid, name)) for name in POINTS},
        kbps_against_none={
            name: difference_interval(_kbps(valid, name), _kbps(base, name)) for name in POINTS
        }
        if base
        else {},
    )


def _heard(end: str, calls: Sequence[CallRecord], base: Sequence[CallRecord]) -> Heard:
    predicted = [(b, call.ptime_ms) for call in calls if (b := predicted_burst(call, end))]
    return Heard(
        end=end,
        measured={name: mean_interval(_values(calls, end, name)) for name in MEASURED},
        burst_predicted=mean_interval([burst for burst, _ in predicted]),
        jitter_predicted=mean_interval(
            [jitter_of_bursts_ms(burst, ptime_ms) for burst, ptime_ms in predicted if ptime_ms]
        ),
        against_none={
            name: difference_interval(_values(calls, end, name), _values(base, end, name))
            for name in MEASURED
        }
        if base
        else {},
    )


def _values(calls: Sequence[CallRecord], end: str, name: str) -> list[float]:
    if name != WAITED:
        return values_of(calls, f"{end}_{name}")
    delays = [(getattr(call, f"{end}_owd_ms_p50"), call.legs_ms) for call in calls]
    return [ms - sum(legs.values()) for ms, legs in delays if ms is not None and legs]


def _kbps(calls: Sequence[CallRecord], point: str) -> list[float]:
    level = "ip" if point == "tunnel" else "eth"
    both = [
        (getattr(call, f"kbps_{point}_{level}"), getattr(call, f"kbps_{point}_{level}_back"))
        for call in calls
    ]
    return [(out + back) / 2 for out, back in both if out is not None and back is not None]


def predicted_burst(call: CallRecord, end: str) -> float | None:
    """Packets per burst arriving at an end, from the call's distances and packet length.

    None for calls that it does not hold for: by other methods, or with both ends anonymous.
    """
    packet_bytes = stream_packet_bytes(call)
    if packet_bytes is None or not call.ptime_ms or not call.legs_ms or not call.nodelay:
        return None
    if call.anonymous == "both":
        return None
    senders = _senders(call, packet_bytes)
    return burst_of([towards[end] for towards in senders if end in towards], call.ptime_ms)


def stream_packet_bytes(call: CallRecord) -> float | None:
    """Bytes that a packet of voice takes in the stream through Tor."""
    added = ADDED_BYTES.get(call.method)
    if added is None or not call.ptime_ms:
        return None
    kbps = call.kbps_tunnel_ip if call.method == "v-tor" else call.bitrate_kbps
    return None if kbps is None else kbps * call.ptime_ms / 8 + added


def _senders(call: CallRecord, packet_bytes: float) -> list[dict[str, Sender]]:
    """Leg by leg, client to server: by the end that it sends towards, each Tor's socket."""
    place = call.nodelay
    cells = segment_of_cells(packet_bytes)
    last = len(call.legs_ms) - 1
    found: list[dict[str, Sender]] = []
    for number, one_way_ms in enumerate(call.legs_ms.values()):
        rtt_ms = 2 * one_way_ms
        relays_hold = place not in (Place.RELAYS, Place.ALL)
        if number == last:
            holds = place not in (Place.EXIT, Place.RELAYS, Place.ALL)
            sockets = {CALLEE: Sender(rtt_ms, SEGMENT_BYTES / packet_bytes, holds)}
            if call.vpn_nodelay is False:
                sockets[CALLER] = Sender(rtt_ms, SEGMENT_BYTES / packet_bytes, holds=True)
        else:
            clients_hold = place not in (Place.CLIENT, Place.ALL)
            sockets = {
                CALLEE: Sender(rtt_ms, cells, clients_hold if number == 0 else relays_hold),
                CALLER: Sender(rtt_ms, cells, relays_hold),
            }
        found.append(sockets)
    return found
