"""What the arrivals of a stream are the marks of, in words; nothing where the evidence is thin.

Three kinds are told apart, and each is said by what was seen, not by what must have been:

- steady bursts: nearly all packets come together with others, as often as one another, and the
  jitter is what such bursts predict, with a small interquartile range. That is what Nagle's
  algorithm makes of even voice in a TCP stream: what was sent is waited for, and what came
  meanwhile leaves together, at most a segment of it at once;
- late at random: transit times spread and packets come by themselves, as queues make it;
- floods: nothing comes for long, then all that was due meanwhile comes at once. A TCP stream
  does that while it repairs a loss.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lab.measure.bursts import bursts, first_packets, jitter_of_bursts_ms
from lab.measure.capture import Floats
from lab.measure.jitter import running_jitter, summary
from lab.measure.nagle import SEGMENT_BYTES, TUNNEL_BYTES, segment_of_cells
from lab.measure.octets import Flags
from lab.measure.pcap import Ints
from lab.measure.rtp import Stream

STEADY, RANDOM, FLOODS = "steady bursts", "late at random", "floods"
KINDS = (STEADY, RANDOM, FLOODS)

LEAST_PACKETS = 250
"""Five seconds of usual voice; of less nothing is said."""
LEAST_BURSTS = 25
STEADY_SHARE = 0.8
"""Of the packets, in bursts of two or more."""
STEADY_MEAN = 1.8
STEADY_IQR = 0.25
"""Interquartile range of the running jitter, of its mean. Steady bursts of the lab have 0.1 and
the second study's calls over Tor 0.09-0.2."""
STEADY_SPREAD = 3.0
"""Gap between bursts, 95 % of them, of its median: at most 2.7 in the second study's calls over
Tor, 4.3 where gaps are random (exponential)."""
PREDICTED = 0.2
"""The jitter's mean may be so far from what bursts alone predict."""
REGULAR, REGULAR_SHARE = 0.25, 0.6
"""One gap stands for a round trip where so many gaps are so near to their median."""
SENT_EVENLY = 0.2
"""At most such a share of packets leave a sender in bursts whose arrivals mean anything."""

FLOOD_MS = 200.0
"""Beyond the media time: the least that TCP waits before it sends again (Linux' minimum)."""
FLOOD_GAPS = 2.5
"""And so many times what 95 % of the gaps between bursts are below: a gap of another kind."""
FLOOD_SHARE = 0.6
"""Of what was due during a gap comes in one flood behind it."""
FLOOD_WITHIN_MS = 20.0
LEAST_FLOODS = 2

RANDOM_MS = 15.0
"""Transit times of the last packets of bursts spread by as much, from their 5th percentile to their
95th, and by a packet's time more where packets come together: what only waits for others does not
make the last one wait, but for less than that."""
RANDOM_MEAN = STEADY_MEAN
"""Packets per burst, below which they come by themselves rather than together."""
WINDOW_S = 10.0
"""In which transit times are compared: sender's and capture's clocks drift apart by less than a
millisecond in it."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What a stream's arrivals are the marks of."""

    kinds: tuple[str, ...] = ()
    """Of `KINDS`; empty where packets came evenly, or too few to tell."""
    words: tuple[str, ...] = ()
    """A statement for each kind."""

    @property
    def kind(self) -> str | None:
        """All kinds as one text; None without any."""
        return " and ".join(self.kinds) or None

    @property
    def text(self) -> str | None:
        """All statements as one text; None without any."""
        return "; ".join(self.words) or None

    def to_dict(self) -> dict[str, str | None]:
        """Both texts by name."""
        return {"kind": self.kind, "text": self.text}


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """A stream by order of arrival."""

    stream: Stream
    arrival_ns: Ints
    media_ms: Floats
    begins: Ints
    """The first packets of bursts."""

    @property
    def sizes(self) -> Ints:
        return np.diff(np.append(self.begins, len(self.arrival_ns)))

    @property
    def gaps_ms(self) -> Floats:
        return np.asarray(np.diff(self.arrival_ns[self.begins]) / 1e6)


def diagnose(received: Stream, sent: Stream | None = None) -> Diagnosis:
    """What the arrivals of `received` are the marks of.

    `sent` is the stream as its sender's own capture shows it. What the sender itself did is no
    network's; where nothing shows it, the words say on what they depend.
    """
    ptime_ms = received.ptime_ms
    if len(received) < LEAST_PACKETS or ptime_ms <= 0 or received.suspected_steps:
        return Diagnosis()
    seen = _seen(received)
    if len(seen.begins) < LEAST_BURSTS:
        return Diagnosis()
    flooded, floods_ms = _floods(seen, sent)
    found: list[tuple[str, str]] = []
    if (words := _steady(seen, sent)) is not None:
        found.append((STEADY, words))
    elif (words := _late_at_random(seen, flooded)) is not None:
        found.append((RANDOM, words))
    if len(floods_ms) >= LEAST_FLOODS:
        found.append((FLOODS, _floods_in_words(floods_ms, sent)))
    return Diagnosis(tuple(kind for kind, _ in found), tuple(words for _, words in found))


def in_floods(received: Stream, sent: Stream | None = None) -> Flags:
    """Which packets of a stream came in floods, in order of arrival; see `diagnose`."""
    return _floods(_seen(received), sent)[0]


def _seen(stream: Stream) -> _Seen:
    order = np.argsort(stream.time_ns, kind="stable")
    arrival_ns = stream.time_ns[order]
    return _Seen(stream, arrival_ns, stream.media_ms[order], first_packets(arrival_ns))


def _steady(seen: _Seen, sent: Stream | None) -> str | None:
    """Words about steady bursts, or None where there are none."""
    found = bursts(seen.arrival_ns)
    assert found is not None
    if found.gap_ms_p50 is None or found.share < STEADY_SHARE or found.mean < STEADY_MEAN:
        return None
    if sent is not None and _burst_share(sent) > SENT_EVENLY:
        return None
    jitter = summary(running_jitter(seen.stream))
    predicted_ms = jitter_of_bursts_ms(found.mean, seen.stream.ptime_ms)
    gaps_ms = seen.gaps_ms
    if (
        jitter.iqr > STEADY_IQR * jitter.mean
        or abs(jitter.mean - predicted_ms) > PREDICTED * predicted_ms
        or np.percentile(gaps_ms, 95) > STEADY_SPREAD * found.gap_ms_p50
    ):
        return None
    limit = "at most a segment"
    if seen.stream.ip_bytes.any():
        cells, tunnel = _segment_packets(seen.stream)
        if np.percentile(seen.sizes, 75) > max(cells, tunnel):
            return None
        limit += f": {cells:.1f} packets in cells, {tunnel:.0f} in a tunnel"
    gap_ms = found.gap_ms_p50
    regular = np.mean(np.abs(gaps_ms - gap_ms) <= REGULAR * gap_ms) >= REGULAR_SHARE
    what = (
        f"steady bursts of {found.mean:.1f} packets, {'every' if regular else 'about every'} "
        f"{gap_ms:.0f} ms (jitter {jitter.mean:.1f} ms, of which such bursts make "
        f"{predicted_ms:.1f}): what Nagle's algorithm makes of "
    )
    what += (
        f"a round trip of about {gap_ms:.0f} ms ({limit})"
        if regular
        else f"round trips on the way, of which none alone sets the pace ({limit})"
    )
    return what if sent is not None else f"{what}, if they were sent evenly"


def _late_at_random(seen: _Seen, flooded: Flags) -> str | None:
    """Words about transit times that spread; None where they do not."""
    found = bursts(seen.arrival_ns)
    assert found is not None
    stream = seen.stream
    if stream.restart.any():
        return None
    last = np.zeros(len(seen.arrival_ns), bool)
    last[np.append(seen.begins[1:], len(last)) - 1] = True
    spread = list(_spreads_ms(seen, last & ~flooded))
    least_ms = RANDOM_MS + (stream.ptime_ms if found.mean >= RANDOM_MEAN else 0.0)
    if not spread:
        return None
    spread_ms = float(np.median(spread))
    if spread_ms < least_ms:
        return None
    bursts_of = f"in bursts of {'only ' if found.mean < RANDOM_MEAN else ''}{found.mean:.1f}"
    return (
        f"packets late at random, 90 % of them within {spread_ms:.0f} ms, {bursts_of}: "
        "what queues on the way make"
    )


def _spreads_ms(seen: _Seen, counted: Flags) -> Iterator[float]:
    """From the 5th to the 95th percentile of transit time, in every window with enough packets."""
    arrival_ms = (seen.arrival_ns - seen.arrival_ns[0]) / 1e6
    transit_ms = arrival_ms - seen.media_ms
    window = (arrival_ms // (WINDOW_S * 1000)).astype(int)
    for number in range(int(window.max()) + 1):
        mine = transit_ms[(window == number) & counted]
        if len(mine) >= LEAST_PACKETS // 5:
            low, high = np.percentile(mine, (5, 95))
            yield float(high - low)


def _floods(seen: _Seen, sent: Stream | None) -> tuple[Flags, list[float]]:
    """Which packets came in floods, and how long nothing had come before each, ms."""
    since_ms = np.diff(seen.arrival_ns) / 1e6
    beyond_ms = since_ms - np.diff(seen.media_ms)
    usual_ms = float(np.percentile(seen.gaps_ms, 95))
    least_ms = max(FLOOD_MS, FLOOD_GAPS * usual_ms)
    flooded = np.zeros(len(seen.arrival_ns), bool)
    lengths = []
    for before in np.flatnonzero(beyond_ms >= least_ms).tolist():
        first = before + 1
        at_ns = int(seen.arrival_ns[first])
        until = int(np.searchsorted(seen.arrival_ns, at_ns + FLOOD_WITHIN_MS * 1e6, "right"))
        # What had been due by then, of the sender's media time: the talker may have paused.
        due = seen.media_ms[first] + beyond_ms[before]
        came = float(seen.media_ms[first:until].max()) - float(seen.media_ms[first])
        if came < FLOOD_SHARE * (due - float(seen.media_ms[first]) - seen.stream.ptime_ms):
            continue
        gap_ms = float(since_ms[before])
        if sent is not None and _sender_paused(seen, sent, first, gap_ms):
            continue
        flooded[first:until] = True
        lengths.append(gap_ms)
    return flooded, lengths


def _sender_paused(seen: _Seen, sent: Stream, first: int, gap_ms: float) -> bool:
    """Whether the sender sent nothing for half of a gap, in the voice that came behind it."""
    media_ms = seen.media_ms[first]
    around = np.abs(sent.media_ms - media_ms) <= gap_ms
    times = np.sort(sent.time_ns[around])
    return len(times) > 1 and float(np.diff(times).max()) / 1e6 > gap_ms / 2


def _floods_in_words(floods_ms: list[float], sent: Stream | None) -> str:
    words = (
        f"{len(floods_ms)} gaps of {min(floods_ms):.0f} to {max(floods_ms):.0f} ms, each with what "
        "was due meanwhile in one flood behind it: loss repaired by TCP"
    )
    return words if sent is not None else f"{words}, or a sender that stood still"


def _burst_share(sent: Stream) -> float:
    found = bursts(np.sort(sent.time_ns))
    return 0.0 if found is None else found.share


def _segment_packets(stream: Stream) -> tuple[float, float]:
    """How many of a stream's packets one TCP segment holds: in Tor's cells, and in a tunnel."""
    packet_bytes = TUNNEL_BYTES + float(np.median(stream.ip_bytes))
    return segment_of_cells(packet_bytes), SEGMENT_BYTES // packet_bytes
