"""Whether a recording is the clip, and with what delay at every moment.

Every piece of speech of the clip is looked for everywhere in the recording; the best chain of
places in the clip's own order is the clip as it was played. Delay may change along the chain,
as jitter buffers make it; order may not. What is found, but not where the chain has room for
it, speaks of another order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median

import numpy as np
from numpy.typing import NDArray

from lab.measure.correlation import Finder, Place
from lab.measure.samples import Samples
from lab.measure.speech import RATE_HZ, Segment, speech_segments

SEARCH_BUDGET_S = 10_000.0
LEAST_SEARCH_S = 90.0
"""How much of a recording each piece is looked for in at once: nine minutes for a clip of 18
pieces, 90 s for a clip of minutes."""
MOST_PASSES = 10
"""Nor in more than so many times the length of the clip: looped playback fills all places."""
STEADY_MS = 200
"""Within so much of its predecessor's delay a piece of a long clip is looked for first, which
costs a hundredth of a search and is all that a steady call takes."""
LARGEST_STEP_S = 10.0
"""The largest change of delay between neighbouring finds: calls through congested tunnels
were seen to stall for seconds; a TCP connection silent for longer has failed."""
STEP_COST_S = 0.02
DRIFT_COST = 0.05
"""What a change of delay costs against finds, in seconds of speech: per change and per second
of it. Small: only to decide between chains that explain the recording equally well."""
OVERLAP_S = 0.1
"""How far neighbouring finds may overlap: a buffer that catches up drops a few packets."""
SAME_DELAY_MS = 10.0
"""Delays closer than this are one piece: below half a packet."""
FEWEST_FOUND = 3
"""Three pieces of about a second, each beyond chance, in order: fewer count as none."""
ANOTHER_PASS = 0.8
"""A later pass of looped playback lies at least this share of the clip's length later."""
LEAST_COVERED = 0.9
"""The recorder must have run through this share of the clip. Recorders of both studies start or
end up to a second off (3 %); what they miss is left out of the comparison."""
MOST_MISSED_S = 3.0
"""And through all but so much of it: a tenth of a call of minutes is no accident of a recorder."""
EARLIEST_S = -3.0
REPEAT_SHARE = 0.9
"""Of a clip that is repeated every pass sounds the same, so delays are looked for from
`EARLIEST_S` on, across this share of the clip: no call falls behind by nearly a whole pass."""
SURELY_MISPLACED = 0.6
"""How alike a single piece must be before it alone says that the order is another one."""


@dataclass(frozen=True, slots=True)
class Match:
    """One piece of the clip's speech and where it was found; `place` is None where not."""

    segment: Segment
    place: Place | None


@dataclass(frozen=True, slots=True)
class DelayPiece:
    """A stretch of the clip that has one delay."""

    start_s: float
    """In the clip."""
    end_s: float
    delay_ms: float


@dataclass(frozen=True, slots=True)
class Alignment:
    """How one pass of a clip lies in a recording."""

    matches: tuple[Match, ...]
    """One per piece of speech of the clip, in order."""
    misplaced_s: float = 0.0
    """Speech that is in the recording, but in another order than in the clip."""

    @property
    def found(self) -> tuple[tuple[Segment, Place], ...]:
        """The pieces that were found."""
        return tuple((m.segment, m.place) for m in self.matches if m.place is not None)

    @property
    def found_share(self) -> float:
        """Share of the clip's speech that was found, by duration."""
        speech = sum(m.segment.duration_s for m in self.matches)
        return sum(s.duration_s for s, _ in self.found) / speech if speech else 0.0

    @property
    def span_s(self) -> float:
        """From the first piece found to the end of the last, in the clip."""
        found = self.found
        return (found[-1][0].end - found[0][0].start) / RATE_HZ if found else 0.0

    @property
    def delays(self) -> tuple[int, ...]:
        """The delay of every piece found, samples at 8 kHz, in the clip's order."""
        return tuple(place.delay for _, place in self.found)

    @property
    def delay_ms(self) -> float | None:
        """The median delay over the speech found; negative where recording began late."""
        spread = [
            place.delay
            for segment, place in self.found
            for _ in range(max(1, round(segment.duration_s * 10)))
        ]
        return 1000 * median(spread) / RATE_HZ if spread else None

    @property
    def likeness(self) -> float:
        """How alike the pieces found are, all in all: the sum over the speech, in seconds."""
        return sum(segment.duration_s * place.likeness for segment, place in self.found)

    @property
    def pieces(self) -> tuple[DelayPiece, ...]:
        """The delay piece by piece: one piece where it is constant."""
        pieces: list[DelayPiece] = []
        for segment, place in self.found:
            start_s, end_s = segment.start / RATE_HZ, segment.end / RATE_HZ
            delay_ms = 1000 * place.delay / RATE_HZ
            if pieces and abs(delay_ms - pieces[-1].delay_ms) <= SAME_DELAY_MS:
                pieces[-1] = replace(pieces[-1], end_s=end_s)
            else:
                pieces.append(DelayPiece(start_s, end_s, delay_ms))
        return tuple(pieces)

    def delay_at(self, sample: int) -> int:
        """The delay that holds at a sample of the clip: the nearest find's; 0 without any."""
        return int(self.delays_at(np.array([sample]))[0])

    def delays_at(self, samples: NDArray[np.int64]) -> NDArray[np.int64]:
        """`delay_at` for many samples at once."""
        found = self.found
        if not found:
            return np.zeros(len(samples), np.int64)
        starts = np.array([segment.start for segment, _ in found])
        ends = np.array([segment.end for segment, _ in found])
        before = np.clip(np.searchsorted(starts, samples, side="right") - 1, 0, None)
        after = np.minimum(before + 1, len(found) - 1)
        since = np.maximum(np.maximum(starts[before] - samples, samples - ends[before]), 0)
        nearest = np.where(np.abs(starts[after] - samples) < since, after, before)
        return np.array(self.delays)[nearest]


def align(
    clip: Samples, recording: Samples, period_s: float | None = None
) -> tuple[Alignment, ...]:
    """Every pass of the clip in the recording, in order of time; never empty.

    Both are 8 kHz, one dimension. Without any evidence of the clip there is one alignment
    with nothing found. `period_s` says that the clip repeats itself: then it lies in the
    recording once, near its start. Of looped playback that lasts long, the passes in a first
    part of it are told.
    """
    segments = speech_segments(clip)
    finder = Finder(clip, recording)
    if period_s is not None:
        first = EARLIEST_S * RATE_HZ
        reach = round(first), round(first + REPEAT_SHARE * period_s * RATE_HZ)
        places = _followed(finder, segments, 0, reach, is_repeated=True)
        return _passes(finder, segments, places, len(clip))
    at_once = round(max(LEAST_SEARCH_S, SEARCH_BUDGET_S / max(1, len(segments))) * RATE_HZ)
    if 2 * len(clip) > at_once:
        reach = -at_once // 2, at_once // 2
        expected = _expected_delay(finder, segments, len(recording), at_once)
        places = _followed(finder, segments, expected, reach, is_repeated=False)
        return _passes(finder, segments, places, len(clip))
    at_once = max(4 * len(clip), min(at_once, MOST_PASSES * len(clip)))
    if len(recording) <= at_once:
        return _passes(finder, segments, finder.anywhere(segments), len(clip))
    return _first_passes(finder, segments, len(clip), len(recording), at_once)


def _first_passes(
    finder: Finder, segments: tuple[Segment, ...], length: int, recorded: int, at_once: int
) -> tuple[Alignment, ...]:
    """The passes in the first part of a long recording in which there are any.

    And in the next after a single one, which shows whether the clip is looped.
    """
    passes: tuple[Alignment, ...] = ()
    first = 0
    while first < recorded and len(passes) < 2:
        places = finder.anywhere(segments, first, min(recorded, first + at_once))
        # What begins before belongs to an earlier part, what is known already is no other pass.
        known = [round(one.delay_ms * RATE_HZ / 1000) for one in passes if one.delay_ms is not None]
        far = ANOTHER_PASS * length
        places = [
            [p for p in options if all(abs(p.delay - delay) >= far for delay in known)]
            for options in places
        ]
        found = _passes(finder, segments, places, length)
        passes += tuple(one for one in found if one.found)
        first += at_once - 2 * length
    return passes or _passes(finder, segments, [[] for _ in segments], length)


def _passes(
    finder: Finder, segments: tuple[Segment, ...], places: list[list[Place]], length: int
) -> tuple[Alignment, ...]:
    """The passes that the places of the pieces make up, in order of time; never empty."""
    passes: list[Alignment] = []
    left = places
    while True:
        chain = _chain(segments, left, length)
        if sum(place is not None for place in chain) < FEWEST_FOUND:
            break
        passes.append(Alignment(tuple(map(Match, segments, chain))))
        middle = round((passes[-1].delay_ms or 0.0) * RATE_HZ / 1000)
        far = ANOTHER_PASS * length
        left = [[p for p in options if abs(p.delay - middle) >= far] for options in left]
    if not passes:
        passes = [Alignment(tuple(Match(segment, None) for segment in segments))]
    passes = [_with_likely(one, finder) for one in passes]
    passes.sort(key=lambda one: one.delay_ms or 0.0)
    return tuple(replace(one, misplaced_s=_misplaced_s(one, passes, places)) for one in passes)


def pass_to_score(passes: tuple[Alignment, ...], clip_length: int, recorded: int) -> Alignment:
    """The first pass that the recorder caught whole; without one, that of which most is there.

    Never the best of several: that would flatter a call. Lengths in samples at 8 kHz.
    """
    covered = [covered_share(one, clip_length, recorded) for one in passes]
    for one, share in zip(passes, covered, strict=True):
        if share >= least_covered(clip_length):
            return one
    return max(zip(passes, covered, strict=True), key=lambda pair: pair[0].found_share * pair[1])[0]


def covered_share(alignment: Alignment, clip_length: int, recorded: int) -> float:
    """The share of the clip during which the recorder ran (lengths in samples at 8 kHz).

    Judged by the delay at the start and by the smallest delay: speech that a congested call
    delivers after the recording's end is the call's fault, not the recorder's.
    """
    delays = alignment.delays
    if not delays or not clip_length:
        return 0.0
    missed_start = max(0, -delays[0])
    missed_end = max(0, clip_length + min(delays) - recorded)
    return max(0.0, 1 - (missed_start + missed_end) / clip_length)


def least_covered(clip_length: int) -> float:
    """The share of a clip (samples at 8 kHz) through which the recorder must have run."""
    return max(LEAST_COVERED, 1 - MOST_MISSED_S * RATE_HZ / max(1, clip_length))


def _followed(
    finder: Finder,
    segments: tuple[Segment, ...],
    expected: int,
    reach: tuple[int, int],
    is_repeated: bool,
) -> list[list[Place]]:
    """Where the pieces of a long clip are, each looked for near its predecessor first.

    Else with any delay within `reach` of the expected one (samples), which a clock that drifts
    for an hour moves; of what repeats itself no later pass may come into reach.
    """
    near = STEADY_MS * RATE_HZ // 1000
    found: list[list[Place]] = []
    delay = expected
    for piece in segments:
        places = finder.between(piece, delay - near, delay + near)
        if places:
            delay = places[0].delay
        else:
            around = min(delay, expected) if is_repeated else delay
            places = finder.between(piece, around + reach[0], around + reach[1])
            if len(places) == 1:
                delay = places[0].delay
        found.append(places)
    return found


def _expected_delay(
    finder: Finder, segments: tuple[Segment, ...], recorded: int, at_once: int
) -> int:
    """A first delay from the five longest pieces; 0 where none of them is found."""
    longest = sorted(segments, key=lambda s: s.start - s.end)[:5]
    half = at_once // 2
    found = [finder.between(piece, -half, half) for piece in longest]
    first = 0
    while not any(found) and first < recorded:
        found = finder.anywhere(longest, first, min(recorded, first + at_once))
        first += half
    delays = [places[0].delay for places in found if places]
    return round(median(delays)) if delays else 0


def _chain(
    segments: tuple[Segment, ...], places: list[list[Place]], length: int
) -> list[Place | None]:
    """The best places in the clip's order, one per segment, None where it has none."""
    step = min(LARGEST_STEP_S * RATE_HZ, length / 2)
    nodes = [(i, place) for i, options in enumerate(places) for place in options]
    number = np.array([i for i, _ in nodes], np.int64)
    delay = np.array([place.delay for _, place in nodes], np.int64)
    start = np.array([segments[i].start + place.delay for i, place in nodes], np.int64)
    end = np.array([segments[i].end + place.delay for i, place in nodes], np.int64)
    total = np.zeros(len(nodes))
    previous = np.full(len(nodes), -1)
    for n, (i, place) in enumerate(nodes):
        gain = total[n] = segments[i].duration_s * place.likeness
        change = np.abs(delay[:n] - place.delay)
        ordered = (number[:n] < i) & (start[n] >= end[:n] - OVERLAP_S * RATE_HZ)
        cost = DRIFT_COST * change / RATE_HZ
        cost += np.where(change > SAME_DELAY_MS * RATE_HZ / 1000, STEP_COST_S, 0.0)
        reached = np.where(ordered & (change <= step), total[:n] + gain - cost, -np.inf)
        best = int(np.argmax(reached)) if n else -1
        if best >= 0 and reached[best] > gain:
            total[n], previous[n] = reached[best], best
    chain: list[Place | None] = [None] * len(segments)
    n = int(np.argmax(total)) if nodes else -1
    while n >= 0:
        chain[nodes[n][0]] = nodes[n][1]
        n = int(previous[n])
    return chain


def _with_likely(alignment: Alignment, finder: Finder) -> Alignment:
    """The same with pieces that are likely where their neighbours' delays expect them."""
    if not alignment.found:
        return alignment
    matches = list(alignment.matches)
    for n, match in enumerate(matches):
        if match.place is None:
            before = next((m.place for m in reversed(matches[:n]) if m.place), None)
            after = next((m.place for m in matches[n + 1 :] if m.place), None)
            delays = [place.delay for place in (before, after) if place]
            matches[n] = Match(match.segment, finder.near(match.segment, min(delays), max(delays)))
    return replace(alignment, matches=tuple(matches))


def _misplaced_s(alignment: Alignment, passes: list[Alignment], places: list[list[Place]]) -> float:
    """Seconds of speech missing from this pass that lie out of its order, unexplained by any pass.

    Speech that a stalled connection delivers so late, or a buffer that catches up so early, that
    the chain has no room for it is in order all the same.
    """
    if not alignment.found:
        return 0.0
    explained = [
        (segment.start + place.delay, segment.end + place.delay)
        for one in passes
        for segment, place in one.found
    ]

    def is_free(segment: Segment, place: Place) -> bool:
        start, end = segment.start + place.delay, segment.end + place.delay
        overlap = sum(max(0, min(end, b) - max(start, a)) for a, b in explained)
        return overlap < (end - start) / 2

    elsewhere = []
    for number, (match, options) in enumerate(zip(alignment.matches, places, strict=True)):
        free = [place for place in options if is_free(match.segment, place)]
        if (
            match.place is None
            and free
            and not any(_in_order(alignment.matches, number, place) for place in free)
        ):
            elsewhere.append((match.segment, free[0]))
    if len(elsewhere) < 2 and all(p.likeness < SURELY_MISPLACED for _, p in elsewhere):
        return 0.0
    return sum(segment.duration_s for segment, _ in elsewhere)


def _in_order(matches: Sequence[Match], number: int, place: Place) -> bool:
    """Whether a piece at `place` would begin between its neighbours of those that were found."""
    begins = [match.segment.start + match.place.delay if match.place else None for match in matches]
    start = matches[number].segment.start + place.delay
    before = next((begin for begin in reversed(begins[:number]) if begin is not None), start)
    after = next((begin for begin in begins[number + 1 :] if begin is not None), start)
    return before <= start <= after


def delay_steps_ms(alignment: Alignment) -> tuple[float, ...]:
    """Every change of delay along the clip, in ms: positive where the call fell behind."""
    return tuple(b.delay_ms - a.delay_ms for a, b in pairwise(alignment.pieces))
