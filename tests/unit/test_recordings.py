"""Recordings as recorders leave them: offsets, drifting clocks, channels, loops, odd scales."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner
from damaged_calls import later, with_losses, with_stalls
from talker import Samples, speak, wav

from lab.cli.score import command
from lab.clip.offline_codec import apply_codec
from lab.errors import LabError
from lab.measure.drift import Drift, clock_drift
from lab.measure.loops import repeated
from lab.measure.resampling import resampled
from lab.measure.samples import Samples as AnySamples
from lab.measure.score import Score, score
from lab.measure.speech import levels_db
from lab.measure.wav import Wav, open_wav, read_wav

CLIP = speak(seed=1, seconds=24)
LOSSY = with_losses(CLIP, share=0.2, burst=5, seed=3)


def of(recording: AnySamples) -> Score:
    return score(wav(CLIP, name="clip"), wav(double(recording), name="recording"))


def double(samples: AnySamples) -> Samples:
    return samples.astype(np.float64)


def written(path: Path, samples: AnySamples, rate_hz: int = 8_000, subtype: str = "FLOAT") -> Path:
    soundfile.write(path, samples, rate_hz, subtype=subtype)
    return path


class TestLevels:
    @pytest.mark.parametrize("offset", [0.003, 0.01, 0.05, -0.2])
    def test_an_offset_of_the_converter_hides_no_gap(self, offset: float) -> None:
        plain, moved = of(0.5 * LOSSY), of(0.5 * LOSSY + offset)
        assert plain.damage.missing_share == pytest.approx(0.15, abs=0.05)
        assert moved.damage == plain.damage
        assert moved.level_db == pytest.approx(plain.level_db, abs=0.1)
        assert moved.leading_silence_s == plain.leading_silence_s

    def test_nor_does_one_of_the_clip(self) -> None:
        moved = score(wav(0.5 * CLIP + 0.05), wav(LOSSY))
        assert moved.damage.missing_share == pytest.approx(of(LOSSY).damage.missing_share, abs=0.01)

    @pytest.mark.parametrize("hertz", [50, 60, 120])
    def test_nor_does_hum(self, hertz: int) -> None:
        hum = 0.02 * np.sin(2 * np.pi * hertz * np.arange(len(CLIP)) / 8_000)
        assert of(0.5 * LOSSY + hum).damage.missing_share == pytest.approx(
            of(LOSSY).damage.missing_share, abs=0.02
        )

    def test_an_offset_alone_is_silence(self) -> None:
        assert "silent" in of(np.full(len(CLIP), 0.1)).reasons[0]
        assert np.max(levels_db(np.full(80_000, 0.3))) < -100


class TestScale:
    @pytest.mark.parametrize("gain", [2.0, 3.7, 40.0])
    @pytest.mark.parametrize("subtype", ["FLOAT", "DOUBLE"])
    def test_what_is_beyond_full_scale_is_scaled_not_cut_off(
        self, tmp_path: Path, gain: float, subtype: str
    ) -> None:
        path = written(tmp_path / "r.wav", gain * LOSSY, subtype=subtype)
        result = score(wav(CLIP), path)
        assert result.pesq_mos == pytest.approx(of(LOSSY).pesq_mos, abs=0.005)
        assert result.clipped_share == 0
        assert -30 < result.level_db < 0
        assert any("times full scale" in remark for remark in result.remarks) == (gain > 2)

    @pytest.mark.parametrize("bits", [16, 24, 32])
    def test_whole_numbers_are_those_of_a_pcm_file(self, tmp_path: Path, bits: int) -> None:
        full = 2.0 ** (bits - 1)
        path = written(tmp_path / "r.wav", np.rint(LOSSY * full), subtype="DOUBLE")
        result = score(wav(CLIP), path)
        assert result.level_db == pytest.approx(of(LOSSY).level_db, abs=0.01)
        assert result.pesq_mos == pytest.approx(of(LOSSY).pesq_mos, abs=0.005)
        assert f"divided by {full:.0f}" in result.remarks[0]

    def test_so_is_a_reference(self, tmp_path: Path) -> None:
        path = written(tmp_path / "c.wav", np.rint(CLIP * 2**15))
        result = score(path, wav(LOSSY))
        assert result.pesq_mos == pytest.approx(of(LOSSY).pesq_mos, abs=0.005)
        assert result.remarks[0].startswith("reference: the samples reach")

    def test_what_is_no_number_is_silence_and_said(self, tmp_path: Path) -> None:
        broken = CLIP.copy()
        broken[[100, 20_000, 30_000]] = np.nan, np.inf, -np.inf
        result = score(wav(CLIP), written(tmp_path / "r.wav", broken))
        assert result.valid
        assert result.remarks[0] == "3 samples are no numbers and are taken for silence"
        assert np.isfinite(read_wav(tmp_path / "r.wav").samples).all()


class TestDrift:
    @pytest.mark.parametrize("ppm", [100, 500, 1000, -100, -1000])
    def test_a_drifting_clock_is_told_and_alters_nothing(self, ppm: int) -> None:
        result = of(Drift(slope=-ppm / 1e6).undone(CLIP))
        assert result.valid
        assert result.drift_ppm == pytest.approx(ppm, abs=5)
        assert result.damage.altered_share == pytest.approx(0, abs=0.01)
        assert result.delay_pieces[0].delay_ms == pytest.approx(result.delay_ms, abs=1)
        assert len(result.delay_pieces) == 1
        assert any("clock runs" in remark for remark in result.remarks)

    def test_a_codec_and_a_buffer_that_grows_do_not_hide_it(self) -> None:
        coded = apply_codec("GSM", wav(with_stalls(CLIP, {8.0: 0.06, 17.0: 0.12})))
        assert coded is not None
        straight = score(wav(CLIP), coded)
        drifting = of(Drift(slope=-3e-4).undone(coded.mono(8_000)))
        assert straight.drift_ppm == 0
        assert drifting.drift_ppm == pytest.approx(300, abs=15)
        assert drifting.damage.altered_share == pytest.approx(
            straight.damage.altered_share, abs=0.06
        )
        assert [p.delay_ms for p in drifting.delay_pieces] == pytest.approx(
            [p.delay_ms for p in straight.delay_pieces], abs=2
        )

    @pytest.mark.parametrize("ppm", [300, -1000])
    def test_nor_does_one_that_steps_all_the_time(self, ppm: int) -> None:
        stalls = {float(second): 0.01 + 0.001 * (second % 7) for second in range(2, 23, 2)}
        stepping = with_losses(with_stalls(CLIP, stalls), share=0.15, burst=2)
        result = of(Drift(slope=-ppm / 1e6).undone(stepping))
        assert result.drift_ppm == pytest.approx(ppm, abs=80)
        assert result.damage.altered_share == pytest.approx(
            of(stepping).damage.altered_share, abs=0.04
        )

    @pytest.mark.parametrize("step_s", [0.0025, 0.005, 0.02])
    def test_steps_of_a_buffer_are_no_drift(self, step_s: float) -> None:
        stalls = dict.fromkeys((4.0, 8.0, 12.0, 16.0, 20.0), step_s)
        result = of(with_stalls(CLIP, stalls))
        assert result.drift_ppm == 0
        assert not any("clock" in remark for remark in result.remarks)

    def test_few_pieces_tell_nothing(self) -> None:
        assert clock_drift([0.0, 8e3, 16e3], [0, 8, 16]) is None

    def test_undoing_is_exact(self) -> None:
        tone = np.sin(2 * np.pi * 1_000 * np.arange(80_000) / 8_000)
        slower = Drift(1e-3, 0.25).undone(tone)
        expected = np.sin(2 * np.pi * 1_000 * (np.arange(len(slower)) * 1.001 + 0.25) / 8_000)
        assert slower[50:-50] == pytest.approx(expected[50:-50], abs=0.02)


class TestChannels:
    def both(self) -> Wav:
        """What was sent on the left, what was received on the right."""
        return Wav(np.stack([0.5 * CLIP, later(LOSSY, 0.1)[: len(CLIP)]], axis=1), 8_000, "both")

    def test_the_clip_in_both_is_ambiguous_until_one_is_named(self) -> None:
        result = score(wav(CLIP), self.both())
        assert not result.valid
        assert "channels 1 and 2" in result.reasons[0]
        assert "--channel" in result.reasons[0]
        swapped = Wav(self.both().samples[:, ::-1], 8_000, "swapped")
        assert score(wav(CLIP), swapped).reasons[0] == result.reasons[0]
        received = score(wav(CLIP), self.both(), channel=2)
        assert received.valid
        assert received.pesq_mos == pytest.approx(of(LOSSY).pesq_mos, abs=0.05)
        assert (received.channel, received.remarks[0]) == (2, "channel 2 of 2 is scored")
        assert score(wav(CLIP), self.both(), channel=1).pesq_mos == pytest.approx(4.549, abs=0.01)

    @pytest.mark.parametrize(
        "other", [CLIP, -0.3 * CLIP, CLIP + 1e-4 * np.random.default_rng(1).normal(0, 1, len(CLIP))]
    )
    def test_one_voice_in_two_channels_is_not_ambiguous(self, other: Samples) -> None:
        result = score(wav(CLIP), Wav(np.stack([CLIP, other], axis=1), 8_000, "twice"))
        assert result.valid
        assert result.remarks == ()

    def test_an_offset_that_channels_share_makes_them_no_copy(self) -> None:
        result = score(wav(CLIP), Wav(0.3 * self.both().samples + 0.6, 8_000, "offset"))
        assert "channels 1 and 2" in result.reasons[0]

    def test_a_channel_that_is_not_there_is_a_sentence(self) -> None:
        with pytest.raises(LabError, match="both has no channel 3: it has 2"):
            score(wav(CLIP), self.both(), channel=3)

    def test_the_command_takes_a_channel(self, tmp_path: Path) -> None:
        clip = written(tmp_path / "clip.wav", CLIP, subtype="PCM_16")
        both = written(tmp_path / "both.wav", self.both().samples, subtype="PCM_16")
        told = [
            json.loads(CliRunner().invoke(command, [str(clip), str(both), "--json", *more]).stdout)
            for more in ([], ["--channel", "2"])
        ]
        assert [one["valid"] for one in told] == [False, True]


class TestLoops:
    SHORT = speak(seed=4, seconds=12)

    def looped(self, seconds: float) -> Samples:
        return double(repeated(self.SHORT, 96_000, round(8_000 * seconds)))

    def score(self, recording: AnySamples, played_s: float | None = None) -> Score:
        return score(wav(self.SHORT), wav(double(recording)), played_s)

    def test_every_pass_counts(self) -> None:
        result = self.score(self.looped(250))
        assert result.valid
        assert result.passes == pytest.approx(250 / 12, abs=0.01)
        assert "occurs 20.8 times" in result.remarks[0]
        assert result.windows[-1].end_s == pytest.approx(250, abs=0.01)
        assert (result.found_share, result.damage.missing_share) == (1.0, 0.0)
        assert result.pesq_mos == pytest.approx(4.549, abs=0.01)

    def test_silence_behind_is_missing_and_said(self) -> None:
        recording = self.looped(200)
        recording[150 * 8_000 :] = 0
        result = self.score(recording)
        assert result.valid
        assert result.damage.missing_share == pytest.approx(0.25, abs=0.01)
        assert result.found_share == pytest.approx(0.75, abs=0.02)
        assert any("nothing of it is heard in the last 50 s" in said for said in result.remarks)
        told = self.score(recording[: 155 * 8_000], played_s=150)
        assert told.damage.missing_share == 0

    def test_a_gap_in_the_middle_is_missing(self) -> None:
        recording = self.looped(200)
        recording[40 * 8_000 : 90 * 8_000] = 0
        assert self.score(recording).damage.missing_share == pytest.approx(0.25, abs=0.01)

    @pytest.mark.parametrize("lead_s", [-5.0, 7.0, 170.0])
    def test_it_may_begin_before_the_recording_or_late_in_it(self, lead_s: float) -> None:
        loop = self.looped(160)
        recording = loop[round(-lead_s * 8_000) :] if lead_s < 0 else later(loop, lead_s)
        result = self.score(recording)
        assert result.valid
        assert result.passes == pytest.approx((160 + min(0, lead_s)) / 12, abs=0.02)
        assert result.damage.missing_share == pytest.approx(0, abs=0.002)
        assert result.windows[-1].end_s == pytest.approx(160 + lead_s, abs=0.01)

    def test_pauses_between_the_passes_are_not_missed(self) -> None:
        recording = repeated(self.SHORT, 110_000, 160 * 8_000)
        result = self.score(recording)
        assert result.passes == pytest.approx(160 * 8_000 / 110_000, abs=0.02)
        assert result.damage.missing_share == 0

    def test_a_loop_on_a_drifting_clock_is_followed_to_its_end(self) -> None:
        result = self.score(Drift(slope=-1e-3).undone(self.looped(200)))
        assert result.drift_ppm == pytest.approx(1000, abs=20)
        assert (result.damage.missing_share, result.found_share) == (0, 1)
        assert result.damage.altered_share == pytest.approx(0, abs=0.02)
        told = self.score(Drift(slope=-1e-3).undone(self.looped(200)), played_s=200)
        assert told.damage.altered_share == pytest.approx(0, abs=0.01)

    def test_a_single_pass_late_in_a_long_recording_is_found(self) -> None:
        other = speak(seed=9, seconds=130)
        result = self.score(np.concatenate([other, self.SHORT, other[:80_000]]))
        assert result.valid
        assert result.delay_ms == pytest.approx(130_000, abs=1)
        assert result.passes == 1


class TestStreaming:
    @pytest.mark.parametrize("rate_hz", [11_025, 16_000, 44_100, 48_000, 8_001])
    def test_blocks_resample_to_what_the_whole_does(self, rate_hz: int) -> None:
        samples = np.random.default_rng(2).normal(0, 0.1, 100_003)
        whole = np.concatenate([*resampled([samples], rate_hz, 8_000)])
        cuts = [1, 5, 4_000, 4_001, 70_000]
        blocks = np.concatenate([*resampled(np.split(samples, cuts), rate_hz, 8_000)])
        assert len(blocks) == len(whole) == -(-len(samples) * 8_000 // rate_hz)
        assert blocks == pytest.approx(whole, abs=1e-12)

    def test_a_long_file_takes_no_more_memory_than_what_is_made_of_it(self, tmp_path: Path) -> None:
        frames = 48_000 * 300
        noise = np.random.default_rng(2).integers(-9_000, 9_000, 48_000, dtype=np.int16)
        with soundfile.SoundFile(tmp_path / "long.wav", "w", 48_000, 2, "PCM_16") as file:
            for _ in range(frames // 48_000):
                file.write(np.stack([noise, noise[::-1]], axis=1))
        tracemalloc.start()
        file = open_wav(tmp_path / "long.wav")
        assert file.distinct_channels() == (0, 1)
        assert len(file.mono(8_000, 1)) == frames // 6
        assert file.clipped_share(0) < 0.01
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        # In memory it is 230 MB of double precision.
        assert peak < 60e6
