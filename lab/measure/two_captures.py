"""Two captures of one call: which stream is which, who sent it, and how long each packet took."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lab.measure.capture import Address
from lab.measure.clocks import Clocks
from lab.measure.delay import SHARED_CLOCK, ClockFit, PacketDelays, fit_clocks, packet_delays
from lab.measure.matching import Match, match_by_number, match_by_payload
from lab.measure.rtp import Stream

MIN_MATCHED_SHARE = 0.2
"""Of the shorter stream's packets: fewer common payloads are a coincidence."""
COMPARED = 100
"""Packets whose payload is compared to tell apart streams of one SSRC."""


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
    received_until_ns: int
    """When the receiving end's capture last saw any voice, by its own clock."""


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
    directions apart; nor do numbers where both use one SSRC, as load generators do. Where an
    exchange with one address stands between the captures, a stream towards it in one
    continues as a stream from it in the other.
    """
    left, right = set(first), set(second)
    found = _taken(_by_address(first, second), left, right)
    remaining = [one for one in first if one in left], [other for other in second if other in right]
    found += _taken(_by_number(*remaining), left, right)
    options = [
        StreamPair(one, other, match_by_payload(one, other))
        for one, other in _plausible(
            [one for one in first if one in left], [other for other in second if other in right]
        )
    ]
    enough = [
        option
        for option in sorted(options, key=lambda option: -len(option.pairs))
        if len(option.pairs) >= MIN_MATCHED_SHARE * min(len(option.first), len(option.second))
    ]
    found += _taken(enough, left, right)
    return tuple(found)


def _by_address(first: Sequence[Stream], second: Sequence[Stream]) -> list[StreamPair]:
    """What has SSRC, addresses, ports and numbers in common: one stream, where nothing between
    the captures changes addresses."""
    others = {_address(other): other for other in second}
    return [
        StreamPair(one, other, pairs)
        for one in first
        if (other := others.get(_address(one))) is not None
        if len(pairs := match_by_number(one, other))
    ]


def _address(stream: Stream) -> tuple[object, ...]:
    receiver = stream.destination, stream.destination_port
    return stream.ssrc, stream.source, stream.source_port, *receiver


def _by_number(first: Sequence[Stream], second: Sequence[Stream]) -> list[StreamPair]:
    """What has an SSRC and numbers in common; of several for one SSRC the likeliest first."""
    others: dict[int, list[Stream]] = defaultdict(list)
    for other in second:
        others[other.ssrc].append(other)
    options: dict[int, list[StreamPair]] = defaultdict(list)
    for one in first:
        for other in others[one.ssrc]:
            if len(pairs := match_by_number(one, other)):
                options[one.ssrc].append(StreamPair(one, other, pairs))
    for same in options.values():
        if len(same) > 1:
            same.sort(key=_likeness, reverse=True)
    return [option for same in options.values() for option in same]


def _taken(
    options: Sequence[StreamPair], left: set[Stream], right: set[Stream]
) -> list[StreamPair]:
    """The options in their order, each stream in one only; what is taken leaves the sets."""
    found = []
    for option in options:
        if option.first in left and option.second in right:
            found.append(option)
            left.remove(option.first)
            right.remove(option.second)
    return found


def _likeness(pair: StreamPair) -> tuple[bool, int, int]:
    """How much two streams of one SSRC are one: by payload, by addresses, by numbers."""
    one, other = pair.first, pair.second
    ends = (
        (one.source == other.source) + (one.source_port == other.source_port),
        (one.destination == other.destination) + (one.destination_port == other.destination_port),
    )
    return _same_payload(pair), sum(ends), len(pair.pairs)


def _same_payload(pair: StreamPair) -> bool:
    """Whether most of the matched packets carry the same, as far as both captures show it."""
    chosen = np.linspace(0, len(pair.pairs) - 1, min(len(pair.pairs), COMPARED)).astype(np.int64)
    same = []
    for sent, received in zip(
        pair.pairs.sent[chosen].tolist(), pair.pairs.received[chosen].tolist(), strict=True
    ):
        one, other = pair.first.payload(sent), pair.second.payload(received)
        shown = min(len(one), len(other))
        same.append(one[:shown] == other[:shown])
    return 2 * sum(same) > len(same)


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
    readings = [pair.reading_ms for pair in pairs]
    from_source: dict[Address, float] = {}
    for pair, reading in zip(pairs, readings, strict=True):
        source = pair.first.source
        from_source[source] = max(reading, from_source.get(source, reading))
    answers = []
    for pair, reading in zip(pairs, readings, strict=True):
        through = _through_exchange(pair.first, pair.second)
        opposite = from_source.get(pair.first.destination, 0.0)
        answers.append(reading >= opposite if through is None else through)
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
        return Direction(pair.first, pair.second, True, delays, ends_ns[1])
    back = Match(pair.pairs.received, pair.pairs.sent, pair.pairs.by)
    delays = packet_delays(pair.second, pair.first, clock.reversed(), back, ends_ns[0])
    return Direction(pair.second, pair.first, False, delays, ends_ns[0])
