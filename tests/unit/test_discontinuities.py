"""Streams whose numbers, timestamps, codec or clock do not simply go on."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from forged_packets import (
    CALLEE,
    CALLER,
    PTIME_NS,
    START_NS,
    Frame,
    ethernet,
    ipv4,
    rtp,
    udp,
    voice,
    write,
)

from lab.measure.capture import read_capture
from lab.measure.clock_agreement import freed_of_steps
from lab.measure.clocks import Clocks
from lab.measure.jitter import running_jitter
from lab.measure.pacing import sender_pacing
from lab.measure.rtp import Stream, streams
from lab.measure.stream_report import StreamReport, stream_report
from lab.measure.two_captures import compare

MS = 1_000_000
GENERATOR = np.random.default_rng(12)


def found(tmp_path: Path, frames: Sequence[Frame]) -> tuple[Stream, ...]:
    return streams(read_capture(write(tmp_path / "call.pcap", frames)))


def only(tmp_path: Path, frames: Sequence[Frame]) -> StreamReport:
    (stream,) = found(tmp_path, frames)
    return stream_report(stream)


def later(packets: int, pause_ms: float = 0.0) -> int:
    """When a packet of that number is due if the sender also paused."""
    return START_NS + packets * PTIME_NS + round(pause_ms * MS)


def packet(number: int, time_ns: int, timestamp: int, payload_type: int, payload: bytes) -> Frame:
    content = rtp(1000 + number, timestamp, payload, payload_type=payload_type)
    return Frame(time_ns, ethernet(ipv4(udp(content))))


class TestTimestampsThatBeginAnew:
    @pytest.mark.parametrize("timestamp", [0, 3_000_000_000, 5000 + 160 * 100 - 4000, 2**31])
    @pytest.mark.parametrize("pause_ms", [0, 2000, 70_000])
    def test_after_a_hold_the_numbers_go_on(
        self, tmp_path: Path, timestamp: int, pause_ms: float
    ) -> None:
        resumed = voice(
            100, first_sequence=1100, first_timestamp=timestamp, start_ns=later(100, pause_ms)
        )
        (stream,) = found(tmp_path, [*voice(100), *resumed])
        report = stream_report(stream)
        assert report.jitter.max == pytest.approx(0, abs=1e-6)
        assert (report.packets, report.lost, report.restarts) == (200, 0, 1)
        assert not report.gaps.voice_activity_detection
        assert report.gaps.network_gaps == 0
        assert report.remarks == ("the sender began its timestamps anew once",)
        assert sender_pacing(stream).max_ms == pytest.approx(0, abs=1e-6)

    def test_across_late_packets_and_several_holds(self, tmp_path: Path) -> None:
        """The first packet after each hold overtakes the last one before it."""
        frames: list[Frame] = []
        for hold in range(4):
            frames += voice(
                100,
                first_sequence=1000 + 100 * hold,
                first_timestamp=(5000 + 1_000_000_007 * hold) % 2**32,
                start_ns=later(100 * hold),
            )
        for hold in (1, 2, 3):
            last = frames[100 * hold - 1]
            frames[100 * hold - 1] = Frame(last.time_ns + 25 * MS, last.octets)
        report = only(tmp_path, sorted(frames, key=lambda frame: frame.time_ns))
        assert (report.lost, report.restarts, report.reordered) == (0, 3, 3)
        assert report.jitter.max < 5

    def test_a_delay_that_ends_in_a_pause_is_none(self, tmp_path: Path) -> None:
        """What was held up for 3 s catches up while the talker pauses: time goes on as it did."""
        late = [0.0] * 50 + [3000.0] * 2
        spoken = voice(52, delays_ms=late)
        paused = voice(
            50, first_sequence=1052, first_timestamp=5000 + 160 * 300, start_ns=later(300)
        )
        report = only(tmp_path, [*spoken, *paused])
        assert report.restarts == 0
        assert report.gaps.talk_pauses == 1
        assert report.gaps.network_gap_max_ms == pytest.approx(3000)


class TestNumbersThatJump:
    @pytest.mark.parametrize("missing", [2900, 3100, 20_000, 40_000, 65_500, 65_600, 140_000])
    def test_an_outage_is_loss(self, tmp_path: Path, missing: int) -> None:
        """Numbers, timestamps and clock agree, however often the numbers wrapped meanwhile."""
        after = voice(
            500,
            first_sequence=1500 + missing,
            first_timestamp=5000 + 160 * (500 + missing),
            start_ns=later(500 + missing),
        )
        report = only(tmp_path, [*voice(500), *after])
        assert (report.lost, report.restarts) == (missing, 0)
        assert report.loss_pct == pytest.approx(100 * missing / (1000 + missing))
        assert report.gaps.lost_run_max == missing

    @pytest.mark.parametrize("first_sequence", [7, 1040, 1100 + 600, 30_000])
    def test_a_new_numbering_is_no_loss(self, tmp_path: Path, first_sequence: int) -> None:
        """Below, among, little and far above the numbers so far."""
        second = voice(
            100, first_sequence=first_sequence, first_timestamp=900_000_000, start_ns=later(100)
        )
        report = only(tmp_path, [*voice(100), *second])
        assert (report.packets, report.lost, report.duplicates) == (200, 0, 0)
        assert (report.restarts, report.jitter.max) == (1, 0)

    def test_burst_loss_while_a_queue_drains_is_loss(self, tmp_path: Path) -> None:
        """300 packets lost in a stall, and the next comes at once."""
        after = voice(
            100, first_sequence=1350, first_timestamp=5000 + 160 * 350, start_ns=later(350)
        )
        held_up = voice(50, delays_ms=[0.0] * 49 + [5990.0])
        report = only(tmp_path, [*held_up, *after])
        assert (report.lost, report.restarts) == (300, 0)


class TestPayloadTypes:
    @pytest.mark.parametrize("payload_type", [96, 101, 127])
    @pytest.mark.parametrize("spoken_on", [False, True])
    def test_a_digit_is_no_pause(self, tmp_path: Path, payload_type: int, spoken_on: bool) -> None:
        """RFC 4733: a digit in place of voice, or beside it; its end is sent three times."""
        frames: list[Frame] = []
        for tick in range(300):
            digit = 100 <= tick < 108
            if digit:
                event = struct.pack(">BBH", 5, 10 | 0x80 * (tick == 107), 160 * (tick - 99))
                for copy in range(3 if tick == 107 else 1):
                    frames.append(
                        packet(
                            len(frames), later(tick) + copy, 5000 + 160 * 100, payload_type, event
                        )
                    )
            if not digit or spoken_on:
                voiced = tick.to_bytes(4, "big") * 40
                frames.append(packet(len(frames), later(tick) + 9, 5000 + 160 * tick, 0, voiced))
        report = only(tmp_path, frames)
        assert not report.gaps.voice_activity_detection
        assert report.jitter.max == pytest.approx(0, abs=0.01)
        assert (report.lost, report.restarts, report.codec) == (0, 0, "PCMU")
        assert "10 packets are telephone events" in report.remarks

    def test_a_stream_of_digits_only(self, tmp_path: Path) -> None:
        """On hold, say; nothing tells the type but its packets."""
        digits = [
            packet(n, later(n), 5000 + 1600 * (n // 10), 101, b"\5\12\0\1") for n in range(30)
        ]
        report = only(tmp_path, digits)
        assert (report.codec, report.codec_certain) == ("TELEPHONE-EVENT", False)
        assert (report.jitter.max, report.gaps.talk_pauses, report.restarts) == (0, 0, 0)

    @pytest.mark.parametrize(
        ("payload_type", "step", "clock_hz"), [(111, 960, 48000), (9, 160, 8000), (99, 320, 16000)]
    )
    @pytest.mark.parametrize("by_the_old_clock", [True, False])
    def test_a_new_codec_with_its_clock(
        self, tmp_path: Path, payload_type: int, step: int, clock_hz: int, by_the_old_clock: bool
    ) -> None:
        """RFC 7160: the timestamps go on in either clock's units."""
        delays = GENERATOR.uniform(0, 3, 250).tolist()
        joint = 160 if by_the_old_clock else step
        second = voice(
            250,
            first_sequence=1250,
            first_timestamp=5000 + 160 * 249 + joint,
            timestamp_step=step,
            payload_type=payload_type,
            payloads=[b"\x78" + bytes(79)] * 250,
            start_ns=later(250),
            delays_ms=delays,
        )
        (stream,) = found(tmp_path, [*voice(250, delays_ms=delays), *second])
        report = stream_report(stream)
        assert running_jitter(stream).max() < 2
        assert (report.gaps.talk_pauses, report.lost, report.restarts) == (0, 0, 0)
        assert stream.codecs[payload_type].clock_rate_hz == clock_hz
        assert stream.media_ms[-1] == pytest.approx(499 * 20, abs=3)

    def test_comfort_noise_follows_the_codecs_clock(self, tmp_path: Path) -> None:
        frames = voice(100, payload_type=111, timestamp_step=960, payloads=[b"\x78" * 80] * 100)
        frames[40] = packet(40, later(40), 5000 + 960 * 40, 13, b"\x40")
        report = only(tmp_path, frames)
        assert report.jitter.max == pytest.approx(0, abs=1e-6)
        assert report.gaps.comfort_noise_packets == 1

    @pytest.mark.parametrize(
        ("payload_type", "clock", "before_ms", "after_ms", "sizes"),
        [
            (0, 8, 20, 40, (160, 320)),
            (0, 8, 40, 20, (320, 160)),
            (111, 48, 20, 60, (60, 180)),
            (111, 48, 20, 120, (60, 90)),
            (18, 8, 10, 30, (10, 30)),
        ],
    )
    @pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
    def test_another_packetisation_is_no_pause(
        self, tmp_path: Path, payload_type: int, clock: int, before_ms: int, after_ms: int,
        sizes: tuple[int, int], share: float,
    ) -> None:  # fmt: skip
        frames, at_ms = [], 0
        for number in range(200):
            changed = number >= 200 * share
            content = number.to_bytes(2, "big") * (sizes[changed] // 2)
            stamp = 5000 + clock * at_ms
            frames.append(packet(number, START_NS + at_ms * MS, stamp, payload_type, content))
            at_ms += after_ms if changed else before_ms
        report = only(tmp_path, frames)
        assert not report.gaps.voice_activity_detection
        assert report.jitter.max == pytest.approx(0, abs=1e-6)

    def test_another_codec_in_other_packets_is_no_pause(self, tmp_path: Path) -> None:
        """PCMU every 20 ms, then G.729 every 60 ms: a third of the bytes, thrice the time."""
        frames, at_ms = [], 0
        for number in range(200):
            kind, size, ptime_ms = (0, 160, 20) if number < 120 else (18, 60, 60)
            content = number.to_bytes(2, "big") * (size // 2)
            frames.append(packet(number, START_NS + at_ms * MS, 5000 + 8 * at_ms, kind, content))
            at_ms += ptime_ms
        report = only(tmp_path, frames)
        assert not report.gaps.voice_activity_detection
        assert "the sender changed its codec: PCMU, G729" in report.remarks

    def test_what_keeps_a_silence_going_is_no_packetisation(self, tmp_path: Path) -> None:
        """Discontinuous transmission: a small packet every 160 ms, as AMR's."""
        frames, at_ms = [], 0
        for number in range(200):
            silent = number >= 150
            content = bytes(7 if silent else 32)
            frames.append(packet(number, START_NS + at_ms * MS, 5000 + 8 * at_ms, 96, content))
            at_ms += 160 if silent else 20
        report = only(tmp_path, frames)
        assert report.gaps.voice_activity_detection
        assert report.gaps.talk_pauses == 49


class TestTheCapturingHostsClock:
    @pytest.mark.parametrize("back_ms", [50, 200, 1000, 3_600_000])
    def test_setting_it_back_is_no_reordering(self, tmp_path: Path, back_ms: float) -> None:
        frames = [
            Frame(frame.time_ns - round(back_ms * MS) * (number >= 250), frame.octets)
            for number, frame in enumerate(voice(500))
        ]
        report = only(tmp_path, frames)
        assert (report.reordered, report.gaps.network_gaps) == (0, 0)
        assert report.jitter.max == pytest.approx(0, abs=1e-6)
        assert report.duration_s == pytest.approx(499 * 0.02)
        (remark,) = report.remarks
        assert f"set back by {back_ms:.0f} ms after 5.0 s" in remark

    def test_files_that_are_not_in_order_of_time_are_no_step(self, tmp_path: Path) -> None:
        """A network card with two queues: the times are right, the file is not."""
        frames = voice(500)
        swapped = [frames[number ^ 1] for number in range(500)]
        report = only(tmp_path, swapped)
        assert (report.reordered, report.jitter.max, report.remarks) == (0, 0, ())

    def test_a_host_that_stood_still_is_no_step(self, tmp_path: Path) -> None:
        """Both senders on one host: their packets are late in the other capture as well."""
        delays = [0.0] * 100 + [300.0] * 100
        frames = [
            frame
            for ssrc, source in enumerate((CALLER, CALLEE))
            for frame in voice(200, source=source, ssrc=ssrc, delays_ms=delays)
        ]
        frames.sort(key=lambda frame: frame.time_ns)
        own = found(tmp_path, frames)
        later_seen = [Frame(frame.time_ns + 40 * MS, frame.octets) for frame in frames]
        for streams_seen in freed_of_steps(own, found(tmp_path, later_seen)):
            for stream in streams_seen:
                assert stream.clock_steps == ()
                assert stream_report(stream).gaps.network_gap_max_ms == pytest.approx(300)

    def test_a_sender_that_stalls_is_no_step(self, tmp_path: Path) -> None:
        """Both senders stop for a while and go on later, each for its own time."""
        frames: list[Frame] = []
        for ssrc, (source, stall_ms) in enumerate(((CALLER, 300.0), (CALLEE, 310.0))):
            delays = [0.0] * 100 + [stall_ms] * 100
            frames += voice(200, source=source, ssrc=ssrc, delays_ms=delays)
        for stream in found(tmp_path, sorted(frames, key=lambda frame: frame.time_ns)):
            assert stream.clock_steps == ()
            assert stream_report(stream).gaps.network_gap_max_ms >= 300

    @pytest.mark.parametrize("back_ms", [30, 200, -100, -1000])
    def test_the_delay_between_two_captures_is_freed_of_it(
        self, tmp_path: Path, back_ms: int
    ) -> None:
        count = 600
        captures = []
        for end in (CALLER, CALLEE):
            frames: list[Frame] = []
            for ssrc, (source, destination) in enumerate(((CALLER, CALLEE), (CALLEE, CALLER))):
                travel_ms = GENERATOR.uniform(60, 65, count) * (source != end)
                frames += voice(
                    count,
                    source=source,
                    destination=destination,
                    ssrc=ssrc,
                    start_ns=START_NS + 3 * MS * ssrc,
                    delays_ms=travel_ms.tolist(),
                )
            captures.append(sorted(frames, key=lambda frame: frame.time_ns))
        stepped = [
            Frame(frame.time_ns - (back_ms * MS if frame.time_ns > later(300) else 0), frame.octets)
            for frame in captures[1]
        ]
        first, second = freed_of_steps(
            *(
                streams(read_capture(write(tmp_path / f"{number}.pcap", frames)))
                for number, frames in enumerate((captures[0], stepped))
            )
        )
        for stream in second:
            assert [step.step_ms for step in stream.clock_steps] == pytest.approx([-back_ms])
        for clocks in (Clocks.AUTO, Clocks.SEPARATE):
            for way in compare(first, second, clocks).directions:
                assert way.delays.p50_ms == pytest.approx(62.5, abs=1)
                assert way.delays.spikes() == 0
