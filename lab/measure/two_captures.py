"""Two captures of one call: which stream is which, who sent it, and how long each packet took."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lab.measure.clocks import Clocks
from lab.measure.delay import SHARED_CLOCK, ClockFit, PacketDelays, fit_clocks, packet_delays
from lab.measure.matching import Match, match_by_number, match_by_payload
from lab.measure.rtp import Stream

MIN_MATCHED_SHARE = 0.2
"""Of the shorter stream's packets: fewer common payloads are a coincidence."""


@dataclass(frozen=True, slots=True)
class StreamPair:
    """One stream as seen in the first and in the second capture."""

    first: Stream
    second: Stream
    pairs: Match
    """Packets of the first capture against those of the second."""

    @property
    def reading_ms(self) -> float:
        """Median of the second capture's time less the first's."""
        span_ns = self.second.time_ns[self.pairs.received] - self.first.time_ns[self.pairs.sent]
        return float(np.median(span_ns)) / 1e6


@dataclass(frozen=True, slots=True)
class Direction:
    """One stream's way from the end that sent it to the end that received it."""

    sent: Stream
    received: Stream
    from_first: bool
    """It was sent where the first capture was taken."""
    delays: PacketDelays


@dataclass(frozen=True, slots=True)
class Comparison:
    """What two captures of one call say together."""

    directions: tuple[Direction, ...]
    clock: ClockFit
    """The second capture's clock against the first's, as used for the delays."""
    estimate: ClockFit | None
    """What the packets themselves suggest; None where no stream stands in both captures."""


def compare(
    first: Sequence[Stream], second: Sequence[Stream], clocks: Clocks = Clocks.AUTO
) -> Comparison:
    """Find the streams that stand in both captures and the delay of each of their packets.

    No common stream gives a comparison without directions: the captures are of two calls.
    """
    pairs = pair_streams(first, second)
    directed = [(pair, sent_first) for pair, sent_first in zip(pairs, _senders(pairs), strict=True)]
    if not directed:
        return Comparison((), SHARED_CLOCK, None)
    estimate = _estimate(directed)
    ends_ns = tuple(max(int(s.time_ns.max()) for s in own) for own in (first, second))
    as_captured = tuple(_direction(pair, sent, SHARED_CLOCK, ends_ns) for pair, sent in directed)
    causal = all(float(way.delays.delay_ms.min()) >= 0 for way in as_captured)
    trusted = clocks is Clocks.AUTO and causal and estimate.skew_ppm == 0
    if clocks is Clocks.SHARED or trusted:
        return Comparison(as_captured, SHARED_CLOCK, estimate)
    ways = tuple(_direction(pair, sent, estimate, ends_ns) for pair, sent in directed)
    return Comparison(ways, estimate, estimate)


def pair_streams(first: Sequence[Stream], second: Sequence[Stream]) -> tuple[StreamPair, ...]:
    """Streams that stand in both captures: by SSRC and numbers, the rest by their payload.

    Both ends of a call may play the same clip, so payloads alone do not tell the two
    directions apart. Where an exchange with one address stands between the captures, a
    stream towards it in one continues as a stream from it in the other.
    """
    found = []
    left, right = list(first), list(second)
    for one in first:
        for other in right:
            if one.ssrc == other.ssrc and len(pairs := match_by_number(one, other)):
                found.append(StreamPair(one, other, pairs))
                left.remove(one)
                right.remove(other)
                break
    options = [
        StreamPair(one, other, match_by_payload(one, other))
        for one, other in _plausible(left, right)
    ]
    for option in sorted(options, key=lambda option: -len(option.pairs)):
        enough = MIN_MATCHED_SHARE * min(len(option.first), len(option.second))
        if option.first in left and option.second in right and len(option.pairs) >= enough:
            found.append(option)
            left.remove(option.first)
            right.remove(option.second)
    return tuple(found)


def _plausible(left: list[Stream], right: list[Stream]) -> list[tuple[Stream, Stream]]:
    """Pairs of one codec and one time that may be two legs of one call.

    Between the same two hosts a stream keeps its SSRC, so another SSRC there is another
    call, even where it played the same clip. Captures of two legs share the exchange, and
    its address shows the direction, or they share no address at all.
    """
    alike = [
        (one, other)
        for one in left
        for other in right
        if one.codec.name == other.codec.name and _together(one, other)
    ]
    through = [(one, other) for one, other in alike if _through_exchange(one, other) is not None]
    return through or [
        (one, other)
        for one, other in alike
        if {one.source, one.destination}.isdisjoint({other.source, other.destination})
    ]


def _together(one: Stream, other: Stream) -> bool:
    """Whether the shorter stream lies at least half within the other's time."""
    start = max(int(one.time_ns.min()), int(other.time_ns.min()))
    end = min(int(one.time_ns.max()), int(other.time_ns.max()))
    return (end - start) / 1e9 >= min(one.duration_s, other.duration_s) / 2


def _through_exchange(one: Stream, other: Stream) -> bool | None:
    """True: from the first capture's end through to the second's; False: back; None: neither."""
    if one.destination == other.source and one.source != other.destination:
        return True
    if one.source == other.destination and one.destination != other.source:
        return False
    return None


def _senders(pairs: Sequence[StreamPair]) -> list[bool]:
    """For each pair, whether it was sent at the first capture's end.

    Two opposite streams differ in their readings by the sum of their delays, whatever the
    clocks: the one with the larger reading runs from the first capture to the second.
    """
    known = [_through_exchange(pair.first, pair.second) for pair in pairs]
    readings = [pair.reading_ms for pair in pairs]
    answers = []
    for pair, sent_first, reading in zip(pairs, known, readings, strict=True):
        opposite = [
            other_reading
            for other, other_reading in zip(pairs, readings, strict=True)
            if other.first.source == pair.first.destination
        ]
        if sent_first is not None:
            answers.append(sent_first)
        elif opposite:
            answers.append(reading >= max(opposite))
        else:
            answers.append(reading >= 0)
    return answers


def _estimate(directed: list[tuple[StreamPair, bool]]) -> ClockFit:
    """The second clock against the first, from the longest stream each way."""
    longest: dict[bool, StreamPair] = {}
    for pair, sent_first in sorted(directed, key=lambda item: len(item[0].pairs)):
        longest[sent_first] = pair
    there, back = longest.get(True), longest.get(False)
    if there is None:
        assert back is not None
        return fit_clocks((back.second, back.first)).reversed()
    return fit_clocks(
        (there.first, there.second), None if back is None else (back.second, back.first)
    )


def _direction(
    pair: StreamPair, sent_first: bool, clock: ClockFit, ends_ns: tuple[int, ...]
) -> Direction:
    """The delays of one stream; `ends_ns` is when the two captures last saw any voice."""
    if sent_first:
        delays = packet_delays(pair.first, pair.second, clock, pair.pairs, ends_ns[1])
        return Direction(pair.first, pair.second, True, delays)
    back = Match(pair.pairs.received, pair.pairs.sent, pair.pairs.by)
    delays = packet_delays(pair.second, pair.first, clock.reversed(), back, ends_ns[0])
    return Direction(pair.second, pair.first, False, delays)
