"""The delay of every packet: exact on one clock, estimated on two, found through an exchange."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from forged_packets import CALLEE, CALLER, PBX, START_NS, Frame, voice, write

from lab.errors import LabError
from lab.measure.capture import read_capture
from lab.measure.clocks import Clocks
from lab.measure.delay import SHARED_CLOCK, ClockFit, fit_clocks, packet_delays
from lab.measure.matching import match_by_number, match_by_payload
from lab.measure.rtp import Stream, streams
from lab.measure.two_captures import compare

COUNT = 600
GENERATOR = np.random.default_rng(11)
TALK = [GENERATOR.bytes(160) for _ in range(COUNT)]
SILENCE = b"\xff" * 160
TALK_WITH_PAUSES = [SILENCE if 200 <= n < 300 or 420 <= n < 440 else TALK[n] for n in range(COUNT)]


def stream(tmp_path: Path, frames: Sequence[Frame]) -> Stream:
    path = write(tmp_path / f"{len(list(tmp_path.iterdir()))}.pcap", frames)
    (found,) = streams(read_capture(path))
    return found


def skewed(frames: Sequence[Frame], offset_ms: float, skew_ppm: float = 0.0) -> list[Frame]:
    """The same packets as another clock would have stamped them."""
    return [
        Frame(
            frame.time_ns + round(offset_ms * 1e6 + skew_ppm * 1e-6 * (frame.time_ns - START_NS)),
            frame.octets,
        )
        for frame in frames
    ]


def test_exact_on_a_shared_clock(tmp_path: Path) -> None:
    delays = GENERATOR.uniform(5, 300, COUNT).tolist()
    found = packet_delays(
        stream(tmp_path, voice(COUNT)), stream(tmp_path, voice(COUNT, delays_ms=delays))
    )
    assert found.matched_by == "number"
    assert found.delay_ms == pytest.approx(delays, abs=1e-5)
    assert found.p50_ms == pytest.approx(np.median(delays), abs=1e-5)
    assert found.p95_ms == pytest.approx(np.percentile(delays, 95), abs=1e-5)
    assert found.max_ms == pytest.approx(max(delays), abs=1e-5)
    assert found.loss_pct == 0


def test_loss_is_what_was_sent_and_never_came(tmp_path: Path) -> None:
    """Also at the end, where the receiver's numbers alone show nothing."""
    lost = frozenset({3, 70, *range(590, COUNT)})
    found = packet_delays(stream(tmp_path, voice(COUNT)), stream(tmp_path, voice(COUNT, skip=lost)))
    assert found.loss_pct == pytest.approx(100 * 12 / COUNT)
    assert len(found) == COUNT - 12


@pytest.mark.parametrize(("capture_stops", "loss_pct"), [(True, 0.0), (False, 50.0)])
def test_a_capture_that_stops_early_loses_no_packets_and_a_dead_path_does(
    tmp_path: Path, capture_stops: bool, loss_pct: float
) -> None:
    """Half the packets are missing at the callee; whether it still listened, it shows itself."""
    there = [40.0] * COUNT
    caller, callee = both_ends(there, there)
    middle_ns = START_NS + COUNT * 10_000_000
    seen = [
        frame
        for frame in callee
        if frame.time_ns < middle_ns
        or (not capture_stops and ip_of(frame) == ip_address(CALLEE).packed)
    ]
    first, second = (
        streams(read_capture(write(tmp_path / f"{n}.pcap", frames)))
        for n, frames in enumerate((caller, seen))
    )
    ways = compare(first, second).directions
    found = {str(way.sent.source): way.delays.loss_pct for way in ways}
    assert found[CALLER] == pytest.approx(loss_pct, abs=0.5)


@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize("same_clip", [False, True])
def test_one_ssrc_and_one_numbering_both_ways(
    tmp_path: Path, swapped: bool, same_clip: bool
) -> None:
    """As load generators send: addresses and payload tell the directions, not the file's order."""
    lost = frozenset({3, 70, 71, 300, COUNT - 1})
    other_talk = TALK if same_clip else TALK[::-1]
    start_ns = START_NS - 30_000_000
    there: dict[str, Any] = {"payloads": TALK}
    back: dict[str, Any] = {
        "payloads": other_talk, "source": CALLEE, "destination": CALLER, "start_ns": start_ns,
    }  # fmt: skip
    late = [40.0] * COUNT
    ends = [
        [*voice(COUNT, **there), *voice(COUNT, **back, delays_ms=late)],
        [*voice(COUNT, **there, delays_ms=late, skip=lost), *voice(COUNT, **back)],
    ]
    captures = []
    for number, frames in enumerate(ends):
        found = streams(read_capture(write(tmp_path / f"{number}.pcap", frames)))
        captures.append(found[::-1] if swapped else found)
    ways = {str(way.sent.source): way for way in compare(captures[0], captures[1]).directions}
    assert set(ways) == {CALLER, CALLEE}
    for way in ways.values():
        assert way.delays.p50_ms == pytest.approx(40)
        assert way.sent.source == way.received.source
    assert ways[CALLER].delays.loss_pct == pytest.approx(100 * len(lost) / COUNT)
    assert ways[CALLEE].delays.loss_pct == 0


def ip_of(frame: Frame) -> bytes:
    """The source address of a forged frame."""
    return frame.octets[26:30]


def test_a_spike_counts_once_until_it_is_over(tmp_path: Path) -> None:
    delays = np.full(COUNT, 50.0)
    delays[100:120] = np.linspace(400, 60, 20)
    delays[300] = 200
    found = packet_delays(
        stream(tmp_path, voice(COUNT)), stream(tmp_path, voice(COUNT, delays_ms=delays.tolist()))
    )
    assert found.spikes(threshold_ms=100) == 2
    assert found.spikes(threshold_ms=200) == 1


@pytest.mark.parametrize(("offset_ms", "skew_ppm"), [(0.0, 0.0), (-3600_000.0, 0.0), (12.5, 80.0)])
def test_offset_and_skew_of_two_clocks(tmp_path: Path, offset_ms: float, skew_ppm: float) -> None:
    """Queueing above a constant path of 40 ms each way is told from the clocks."""
    count = 1500
    there = (40 + GENERATOR.exponential(3, count)).tolist()
    back = (40 + GENERATOR.exponential(3, count)).tolist()
    forward = (
        stream(tmp_path, voice(count)),
        stream(tmp_path, skewed(voice(count, delays_ms=there), offset_ms, skew_ppm)),
    )
    answer = voice(count, source=CALLEE, destination=CALLER, ssrc=2)
    heard = voice(count, source=CALLEE, destination=CALLER, ssrc=2, delays_ms=back)
    backward = (
        stream(tmp_path, skewed(answer, offset_ms, skew_ppm)),
        stream(tmp_path, heard),
    )
    clock = fit_clocks(forward, backward)
    assert clock.basis == "round-trip"
    assert clock.offset_ms == pytest.approx(offset_ms, abs=0.2)
    assert clock.skew_ppm == pytest.approx(skew_ppm, abs=5)
    for pair, fit, truth in ((forward, clock, there), (backward, clock.reversed(), back)):
        assert packet_delays(*pair, fit).delay_ms == pytest.approx(truth, abs=0.4)


def test_congestion_is_not_taken_for_skew(tmp_path: Path) -> None:
    """A floor that wanders by 30 ms in 30 s would be a skew of 1000 ppm."""
    count = 1500
    wander = 80 + np.cumsum(GENERATOR.normal(0, 1, count)) + GENERATOR.exponential(5, count)
    delays = (wander - wander.min() + 40).tolist()
    clock = fit_clocks(
        (stream(tmp_path, voice(count)), stream(tmp_path, voice(count, delays_ms=delays)))
    )
    assert (clock.basis, clock.skew_ppm) == ("minimum", 0.0)
    assert clock.offset_ms == pytest.approx(40, abs=1e-5)


def test_streams_of_two_calls_have_no_delay(tmp_path: Path) -> None:
    one = stream(tmp_path, voice(100))
    silent = stream(tmp_path, voice(100, payloads=[SILENCE] * 100, ssrc=5))
    assert packet_delays(one, silent).p50_ms is None
    with pytest.raises(LabError, match="No packet of the stream stands in both"):
        fit_clocks((one, silent))


def through_exchange(
    tmp_path: Path,
    payloads: list[bytes],
    delays_ms: list[float] | None = None,
    lost: frozenset[int] = frozenset(),
) -> tuple[Stream, Stream]:
    """Before and behind an exchange that renumbers everything."""
    received = voice(
        COUNT,
        payloads=payloads,
        ssrc=2,
        source=PBX,
        first_sequence=60_000,
        first_timestamp=123_456,
        delays_ms=delays_ms or [12.0] * COUNT,
        skip=lost,
    )
    sent = voice(COUNT, payloads=payloads, ssrc=1, destination=PBX)
    return stream(tmp_path, sent), stream(tmp_path, received)


def test_renumbered_packets_match_by_what_they_say(tmp_path: Path) -> None:
    delays = GENERATOR.uniform(5, 15, COUNT).tolist()
    found = packet_delays(*through_exchange(tmp_path, TALK, delays))
    assert found.matched_by == "payload"
    assert found.delay_ms == pytest.approx(delays, abs=1e-5)
    assert found.loss_pct is None


def test_silence_matches_only_between_speech_that_agrees(tmp_path: Path) -> None:
    sent, received = through_exchange(tmp_path, TALK_WITH_PAUSES)
    assert len(match_by_payload(sent, received)) == COUNT


def test_packets_dropped_in_silence_leave_that_pause_unmatched(tmp_path: Path) -> None:
    """The exchange drops five packets of a pause and numbers on: which five, nobody can say."""
    kept = [payload for n, payload in enumerate(TALK_WITH_PAUSES) if not 250 <= n < 255]
    sent, _ = through_exchange(tmp_path, TALK_WITH_PAUSES)
    received = stream(tmp_path, voice(COUNT - 5, payloads=kept, ssrc=2, source=PBX))
    pairs = match_by_payload(sent, received)
    truth = {(n, n if n < 200 else n - 5) for n in range(COUNT) if not 200 <= n < 300}
    assert set(zip(pairs.sent.tolist(), pairs.received.tolist(), strict=True)) == truth


def test_packets_dropped_in_a_pause_at_either_end_leave_it_unmatched(tmp_path: Path) -> None:
    """With speech on one side alone nothing tells that the numbers moved in between."""
    talk = [SILENCE if n < 50 or n >= COUNT - 50 else TALK[n] for n in range(COUNT)]
    kept = [payload for n, payload in enumerate(talk) if n not in (20, COUNT - 20)]
    sent, _ = through_exchange(tmp_path, talk)
    received = stream(tmp_path, voice(COUNT - 2, payloads=kept, ssrc=2, source=PBX))
    pairs = match_by_payload(sent, received)
    truth = {(n, n - 1) for n in range(50, COUNT - 50)}
    assert set(zip(pairs.sent.tolist(), pairs.received.tolist(), strict=True)) == truth


def test_a_clip_played_twice_matches_in_its_own_round(tmp_path: Path) -> None:
    """Every payload occurs twice; losses make the rounds unlike, and none may be swapped."""
    looped = TALK[:300] * 2
    sent, received = through_exchange(
        tmp_path, looped, lost=frozenset({*range(10), 40, 41, 500, *range(590, 600)})
    )
    pairs = match_by_payload(sent, received)
    delay_ms = (received.time_ns[pairs.received] - sent.time_ns[pairs.sent]) / 1e6
    assert len(pairs) == COUNT - 23
    assert set(delay_ms.round(6).tolist()) == {12.0}


def test_other_speech_does_not_match(tmp_path: Path) -> None:
    sent, _ = through_exchange(tmp_path, TALK)
    other = [GENERATOR.bytes(160) for _ in range(COUNT)]
    _, received = through_exchange(tmp_path, other)
    assert len(match_by_payload(sent, received)) == 0


def test_snap_lengths_may_differ(tmp_path: Path) -> None:
    sent, received = through_exchange(tmp_path, TALK)
    cut = [Frame(f.time_ns, f.octets[:99], len(f.octets)) for f in voice(COUNT, payloads=TALK)]
    assert len(match_by_payload(stream(tmp_path, cut), received)) == COUNT
    assert len(match_by_number(sent, received)) == 0


def both_ends(
    there_ms: list[float], back_ms: list[float], offset_ms: float = 0.0, *, exchange: bool = False
) -> tuple[list[Frame], list[Frame]]:
    """The caller's and the callee's captures of one call in which both play the same clip."""
    later_ns = START_NS + 210_000_000  # The callee starts to play later.
    to_callee, to_caller = (PBX, PBX) if exchange else (CALLEE, CALLER)
    from_caller, from_callee = (PBX, PBX) if exchange else (CALLER, CALLEE)
    second_leg = 10 if exchange else 0
    caller = [
        *voice(COUNT, payloads=TALK, source=CALLER, destination=to_callee, ssrc=1),
        *voice(
            COUNT,
            payloads=TALK,
            source=from_callee,
            destination=CALLER,
            ssrc=2 + second_leg,
            start_ns=later_ns,
            delays_ms=back_ms,
        ),
    ]
    callee = [
        *voice(
            COUNT,
            payloads=TALK,
            source=CALLEE,
            destination=to_caller,
            ssrc=2,
            start_ns=later_ns,
        ),
        *voice(
            COUNT,
            payloads=TALK,
            source=from_caller,
            destination=CALLEE,
            ssrc=1 + second_leg,
            delays_ms=there_ms,
        ),
    ]
    return caller, skewed(callee, offset_ms)


@pytest.mark.parametrize("exchange", [False, True])
@pytest.mark.parametrize("clocks", [Clocks.SHARED, Clocks.AUTO])
def test_two_captures_of_a_call(tmp_path: Path, exchange: bool, clocks: Clocks) -> None:
    there = GENERATOR.uniform(20, 30, COUNT).tolist()
    back = GENERATOR.uniform(50, 60, COUNT).tolist()
    captures = both_ends(there, back, exchange=exchange)
    caller, callee = (
        streams(read_capture(write(tmp_path / f"{n}.pcap", frames)))
        for n, frames in enumerate(captures)
    )
    comparison = compare(caller, callee, clocks)
    assert comparison.clock == SHARED_CLOCK
    found = {str(way.sent.source): way.delays for way in comparison.directions}
    assert set(found) == {CALLER, CALLEE}
    assert found[CALLER].delay_ms == pytest.approx(there, abs=1e-5)
    assert found[CALLEE].delay_ms == pytest.approx(back, abs=1e-5)


def test_clocks_that_cannot_be_one_are_fitted(tmp_path: Path) -> None:
    there = GENERATOR.uniform(20, 30, COUNT).tolist()
    back = GENERATOR.uniform(20, 30, COUNT).tolist()
    caller, callee = (
        streams(read_capture(write(tmp_path / f"{n}.pcap", frames)))
        for n, frames in enumerate(both_ends(there, back, offset_ms=-5000))
    )
    comparison = compare(caller, callee)
    assert comparison.clock.basis == "round-trip"
    assert comparison.clock.offset_ms == pytest.approx(-5000, abs=0.2)
    found = {str(way.sent.source): way.delays.delay_ms for way in comparison.directions}
    assert found[CALLER] == pytest.approx(there, abs=0.2)
    assert found[CALLEE] == pytest.approx(back, abs=0.2)


def test_two_calls_with_the_same_clip_are_not_one(tmp_path: Path) -> None:
    """The same speech between the same hosts, but another SSRC: another call."""
    one = streams(read_capture(write(tmp_path / "1.pcap", voice(COUNT, payloads=TALK, ssrc=1))))
    two = streams(read_capture(write(tmp_path / "2.pcap", voice(COUNT, payloads=TALK, ssrc=2))))
    assert compare(one, two).directions == ()


def test_a_clock_fit_undoes_its_reverse() -> None:
    fit = ClockFit(12.0, 50.0, START_NS, "round-trip")
    assert fit.reversed().reversed() == fit
