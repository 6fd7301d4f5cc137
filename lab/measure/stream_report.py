"""Everything one capture tells about one RTP stream, as flat values."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from lab.measure.arrivals import Diagnosis, diagnose
from lab.measure.bursts import Bursts, bursts
from lab.measure.gaps import Gaps, gaps
from lab.measure.jitter import JitterSummary, running_jitter, summary
from lab.measure.rtp import Stream


@dataclass(frozen=True, slots=True)
class StreamReport:
    """One stream, as received at the point of capture."""

    ssrc: str
    """Hexadecimal, as Wireshark shows it."""
    source: str
    destination: str
    """`address:port`."""
    codec: str
    codec_certain: bool
    """False where the codec was inferred from the packets, not stated."""
    payload_type: int
    clock_rate_hz: int
    ptime_ms: float
    start_ns: int
    duration_s: float
    packets: int
    lost: int
    """Missing numbers between the first and the last that came."""
    loss_pct: float
    duplicates: int
    reordered: int
    """Packets whose number is lower than one that came before (RFC 4737)."""
    restarts: int
    """Times the sender began anew, its numbers or its timestamps."""
    remarks: tuple[str, ...]
    """What was noticed and dealt with."""
    kbps_ip: float
    """Mean rate at IP level, all headers and fragments counted, kbit/s."""
    jitter: JitterSummary
    jitter_final_ms: float
    gaps: Gaps
    bursts: Bursts
    diagnosis: Diagnosis
    """What the arrivals are the marks of."""

    def to_dict(self) -> dict[str, Any]:
        """All values by name; jitter, gaps, bursts and diagnosis as nested objects."""
        values = {name: getattr(self, name) for name in _NAMES}
        nested = (self.jitter, self.gaps, self.bursts, self.diagnosis)
        return values | dict(zip(_NESTED, (each.to_dict() for each in nested), strict=True))


_NAMES = tuple(field.name for field in fields(StreamReport))
_NESTED = ("jitter", "gaps", "bursts", "diagnosis")


def stream_report(stream: Stream, sent: Stream | None = None) -> StreamReport:
    """Loss, order, jitter, gaps and bursts of a stream; `sent` is it as its sender sent it."""
    highest = np.maximum.accumulate(stream.sequence)
    expected = int(highest[-1] - stream.sequence.min()) + 1
    lost = expected - len(stream)
    jitter_ms = running_jitter(stream)
    octets = int(stream.ip_bytes.sum())
    duration_s = stream.duration_s
    arrived = bursts(np.sort(stream.time_ns))
    assert arrived is not None
    return StreamReport(
        ssrc=f"0x{stream.ssrc:08x}",
        source=_end(stream.source.version, stream.source, stream.source_port),
        destination=_end(stream.destination.version, stream.destination, stream.destination_port),
        codec=stream.codec.name,
        codec_certain=stream.codec.certain,
        payload_type=stream.payload_type,
        clock_rate_hz=stream.codec.clock_rate_hz,
        ptime_ms=stream.ptime_ms,
        start_ns=int(stream.time_ns.min()),
        duration_s=duration_s,
        packets=len(stream),
        lost=lost,
        loss_pct=100.0 * lost / expected,
        duplicates=stream.duplicates,
        reordered=int(np.count_nonzero(stream.sequence < highest)),
        restarts=stream.renumberings + stream.retimings,
        remarks=remarks(stream),
        kbps_ip=octets * 8 / 1000 / duration_s if duration_s > 0 else 0.0,
        jitter=summary(jitter_ms),
        jitter_final_ms=float(jitter_ms[-1]),
        gaps=gaps(stream),
        bursts=arrived,
        diagnosis=diagnose(stream, sent),
    )


def remarks(stream: Stream) -> tuple[str, ...]:
    """What was noticed in a stream, and dealt with, that figures do not tell."""
    said = []
    if stream.renumberings:
        said.append(f"the sender began its numbers anew {_times(stream.renumberings)}")
    if stream.retimings:
        said.append(f"the sender began its timestamps anew {_times(stream.retimings)}")
    if len(used := stream.codecs_used) > 1:
        said.append(f"the sender changed its codec: {', '.join(codec.name for codec in used)}")
    events = len(stream) - int(stream.media.sum())
    if events:
        said.append(f"{events} packets are telephone events")
    for step in stream.clock_steps:
        after_s = (step.at_ns - int(stream.time_ns[0])) / 1e9
        way = "back" if step.step_ms < 0 else "forward"
        said.append(
            f"the capturing host's clock was set {way} by {abs(step.step_ms):.0f} ms "
            f"after {after_s:.1f} s; the times are freed of that"
        )
    return tuple(said)


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _end(version: int, address: object, port: int) -> str:
    return f"{address}:{port}" if version == 4 else f"[{address}]:{port}"
