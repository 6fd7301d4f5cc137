"""What an exchange does to voice, from what came to it and what left it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from forged_packets import PTIME_NS, START_NS, Frame, voice, write

from lab.measure.capture import read_capture
from lab.measure.passage import Passage, passage
from lab.measure.rtp import Stream, streams

COUNT = 200
SPOKEN = [index.to_bytes(4, "big") * 40 for index in range(COUNT)]
MADE_UP = b"\xff" * 160


def stream_of(file: Path, frames: Sequence[Frame]) -> Stream:
    (stream,) = streams(read_capture(write(file, frames)))
    return stream


def passed(tmp_path: Path, came: Sequence[Frame], left: Sequence[Frame]) -> Passage:
    return passage(stream_of(tmp_path / "in.pcap", came), stream_of(tmp_path / "out.pcap", left))


def numbered_anew(payloads: Sequence[bytes], after_ms: float) -> list[Frame]:
    """What a B2BUA sends, one packet every 20 ms."""
    start_ns = START_NS + round(after_ms * 1e6)
    own = {"first_sequence": 7, "first_timestamp": 99, "ssrc": 0xBEEF}
    return voice(len(payloads), payloads=payloads, start_ns=start_ns, **own)  # type: ignore[arg-type]


def test_a_proxy_that_sends_on_what_comes_drops_and_makes_up_nothing(tmp_path: Path) -> None:
    lost = frozenset({50, 51})
    came = voice(COUNT, payloads=SPOKEN, skip=lost)
    found = passed(
        tmp_path, came, voice(COUNT, payloads=SPOKEN, skip=lost, delays_ms=[0.2] * COUNT)
    )
    assert found.matched_by == "number"
    assert (found.packets_in, found.packets_out) == (COUNT - 2, COUNT - 2)
    assert (found.dropped, found.made_up) == (0, 0)
    assert found.delay_ms_p50 == pytest.approx(0.2, abs=0.001)


def test_what_a_b2bua_throws_away_is_counted_though_it_numbers_anew(tmp_path: Path) -> None:
    kept = SPOKEN[:80] + SPOKEN[83:]
    found = passed(tmp_path, voice(COUNT, payloads=SPOKEN), numbered_anew(kept, 9.5))
    assert found.matched_by == "payload"
    assert (found.dropped, found.made_up) == (3, 0)
    assert (found.packets_in, found.packets_out) == (COUNT, COUNT - 3)


def test_what_it_makes_up_is_counted(tmp_path: Path) -> None:
    more = [*SPOKEN[:120], MADE_UP, MADE_UP, *SPOKEN[120:]]
    found = passed(tmp_path, voice(COUNT, payloads=SPOKEN), numbered_anew(more, 9.5))
    assert (found.dropped, found.made_up) == (0, 2)


def test_what_was_lost_before_it_came_is_not_its_doing(tmp_path: Path) -> None:
    came = voice(COUNT, payloads=SPOKEN, skip=frozenset({40, 41, 42}))
    found = passed(tmp_path, came, numbered_anew(SPOKEN[:40] + SPOKEN[43:], 0.3))
    assert (found.dropped, found.made_up) == (0, 0)


def test_a_timer_of_its_own_spreads_what_comes_together(tmp_path: Path) -> None:
    """Bursts of four in, one packet every 20 ms out: the delay is what they wait."""
    together = [Frame(START_NS + (i // 4 * 4 + 3) * PTIME_NS, frame.octets)
                for i, frame in enumerate(voice(COUNT, payloads=SPOKEN))]  # fmt: skip
    found = passed(tmp_path, together, numbered_anew(SPOKEN, 80.0))
    assert found.burst_in == pytest.approx(4.0)
    assert found.burst_out == pytest.approx(1.0)
    assert found.delay_ms_p50 == pytest.approx(50.0)
    assert found.delay_ms_p95 == pytest.approx(80.0)


def test_where_one_codec_becomes_another_nothing_can_be_matched_and_that_is_said(
    tmp_path: Path,
) -> None:
    found = passed(tmp_path, voice(COUNT), voice(COUNT, payload_type=8, ssrc=0xBEEF))
    assert found.matched_by == "not matched: PCMU came, PCMA left"
    assert (found.delay_ms_p50, found.dropped, found.made_up) == (None, None, None)
    assert (found.packets_in, found.packets_out) == (COUNT, COUNT)
