"""Why calls of others score what they do: ceilings, causes, and the study's own scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from field_sample import FIELD
from field_tree import CLIP, make_call, needs_field, scored_row, write_wav
from forged_packets import START_NS, Frame, voice, write

from lab.errors import LabError
from lab.field.authors import beside, read_authors
from lab.field.call import analyse_call
from lab.field.causes import CAUSES, OWN_MOS, shares, steps
from lab.field.ceilings import FRAME, ceilings, sent_frames
from lab.field.layout import find_calls
from lab.field.row import CallRow
from lab.field.study_score import study_score
from lab.measure.capture import read_capture
from lab.measure.header_score import header_mos
from lab.measure.pesq_score import narrow_band_mos, raw_from_mos
from lab.measure.rtp import Stream, streams
from lab.measure.samples import Samples
from lab.measure.speech import levels_db
from lab.measure.wav import Wav, read_wav
from lab.report.field_why import why_sections

FRAMES = len(CLIP) // FRAME
CLIP_WAV = Wav(CLIP[:, None], 8_000, "clip")


def suppressed(directory: Path, voiced: Sequence[bool], payload_type: int = 0) -> Stream:
    """A stream without the packets of the frames that are not voiced: numbers go on over them."""
    frames: list[Frame] = []
    for place, is_voiced in enumerate(voiced):
        if is_voiced:
            frames += voice(
                1, first_sequence=1000 + len(frames), first_timestamp=5000 + 160 * place,
                start_ns=START_NS + 20_000_000 * place, payload_type=payload_type,
            )  # fmt: skip
    write(directory / "sent.pcap", frames)
    (stream,) = streams(read_capture(directory / "sent.pcap"))
    return stream


def spoken(below_db: float = 40.0) -> list[bool]:
    """Where the clip is loud: the first frame is always sent, as pjmedia does."""
    levels = levels_db(CLIP[: FRAMES * FRAME], FRAME)
    return [True, *(levels[1:] > levels.max() - below_db).tolist()]


class TestCeilings:
    def test_what_was_not_sent_is_found_in_the_clip(self, tmp_path: Path) -> None:
        voiced = spoken()
        assert 0.5 < np.mean(voiced) < 0.95, "the clip has pauses"
        assert sent_frames(suppressed(tmp_path, voiced), CLIP).tolist() == voiced

    @pytest.mark.parametrize("lead", [3, 17])
    def test_also_where_the_player_began_later_than_the_stream(
        self, lead: int, tmp_path: Path
    ) -> None:
        voiced = spoken()
        sent = suppressed(tmp_path, [*[True] * lead, *voiced])
        assert sent_frames(sent, CLIP).tolist() == voiced

    def test_silence_suppression_alone_takes_something(self, tmp_path: Path) -> None:
        found = ceilings(CLIP_WAV, suppressed(tmp_path, spoken(15.0)), "g711")
        assert found.codec_mos is not None
        assert found.call_mos is not None
        assert 1.0 < found.call_mos < found.codec_mos - 0.02

    def test_a_stream_without_pauses_reaches_what_its_codec_does(self, tmp_path: Path) -> None:
        found = ceilings(CLIP_WAV, suppressed(tmp_path, [True] * FRAMES), "g711")
        assert found.codec_mos == found.call_mos
        assert found.codec_mos == pytest.approx(4.2, abs=0.1)

    def test_a_codec_that_this_host_lacks_has_none(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PATH", str(tmp_path))
        sent = suppressed(tmp_path, [True] * 50, payload_type=9)
        found = ceilings(Wav(CLIP[:, None], 8_000, "other"), sent, "g722")
        assert (found.codec_mos, found.call_mos) == (None, None)

    def test_they_stand_in_the_row_of_a_call(self, tmp_path: Path) -> None:
        make_call(tmp_path / "Tor" / "g711" / "here", 0)
        (call,) = find_calls(tmp_path)
        row = analyse_call(call, CLIP_WAV)
        assert row.caller_ceiling_mos == row.caller_codec_ceiling_mos
        assert row.callee_codec_ceiling_mos == pytest.approx(4.2, abs=0.1)
        assert row.caller_late_pct_60 == row.callee_late_pct_200 == 0.0
        assert row.caller_header_pesq_raw is None, "nobody asked"


def call(number: int, series: str, codec: str, vad: bool, jitter: float, loss: float) -> CallRow:
    """A call that loses 0.02 MOS per ms of jitter, 0.1 per percent, and 1 by GSM."""
    mos = OWN_MOS - 0.02 * jitter - 0.1 * loss - (1.0 if codec == "gsm" else 0.0)
    return replace(
        scored_row(number, mos, series), codec=codec,
        caller_vad=vad, callee_vad=vad,
        caller_jitter_mean=jitter, callee_jitter_mean=jitter,
        caller_loss_pct=loss, callee_loss_pct=loss,
        caller_codec_ceiling_mos=4.4, callee_codec_ceiling_mos=4.4,
        caller_ceiling_mos=4.2, callee_ceiling_mos=4.2,
    )  # fmt: skip


def many(vad_by_codec: bool = False, seed: int = 1) -> list[CallRow]:
    """Calls whose causes vary independently, but for silence suppression where asked."""
    random = np.random.default_rng(seed)
    rows = []
    for number in range(200):
        codec = str(random.choice(["g711", "gsm"]))
        vad = codec == "g711" if vad_by_codec else bool(random.integers(2))
        jitter, loss = float(random.uniform(0, 50)), float(random.uniform(0, 2))
        rows.append(call(number, f"place {number % 10}", codec, vad, jitter, loss))
    return rows


class TestCauses:
    def test_shares_are_those_of_the_variance_where_causes_are_independent(self) -> None:
        found = shares(many())
        assert [share.cause for share in found.shares] == list(CAUSES)
        # Var of 0.02 U(0, 50) is 1/12, of 0.1 U(0, 2) 0.04/12, of a coin 1/4.
        whole = 1 / 12 + 0.04 / 12 + 1 / 4
        expected = (0.25 / whole, 0.0, 1 / 12 / whole, 0.04 / 12 / whole)
        for share, right in zip(found.shares, expected, strict=True):
            assert share.share == pytest.approx(right, abs=0.06), share.cause
            assert share.low <= share.share <= share.high or share.share < 0.01
        assert sum(share.share for share in found.shares) == pytest.approx(1.0, abs=0.01)
        assert found.remarks == ()

    def test_the_same_rows_have_the_same_intervals(self) -> None:
        assert shares(many()) == shares(many())

    def test_what_follows_from_something_else_is_said(self) -> None:
        found = shares(many(vad_by_codec=True))
        codec, vad = found.shares[:2]
        assert codec.share == pytest.approx(vad.share, abs=0.01), "halves of one"
        assert any("Silence suppression follows from codec" in text for text in found.remarks)

    def test_what_is_alike_everywhere_explains_nothing(self) -> None:
        alike = [replace(row, caller_vad=True, callee_vad=True) for row in many()]
        found = shares(alike)
        assert found.shares[1].share == 0.0
        assert "Silence suppression is the same in all calls" in " ".join(found.remarks)

    def test_few_calls_explain_nothing_and_say_so(self) -> None:
        found = shares(many()[:12])
        assert found.shares == ()
        assert "24 call ends of 10 series are too few" in found.remarks[0]

    def test_an_invalid_call_does_not_enter(self) -> None:
        rows = [replace(row, valid=False) for row in many()]
        assert shares(rows).ends == 0
        assert steps(rows) == ()

    def test_steps_add_up_to_the_loss(self) -> None:
        rows = many()
        taken = {step.cause: step.loss_mos.estimate or 0.0 for step in steps(rows)}
        assert taken["codec"] == pytest.approx(OWN_MOS - 4.4)
        assert taken["silence suppression"] == pytest.approx(0.2)
        lost = [OWN_MOS - (row.caller_pesq_mos or 0.0) for row in rows]
        assert sum(taken.values()) == pytest.approx(np.mean(lost))

    def test_the_report_has_them(self) -> None:
        (section,) = why_sections(many())
        titles = [table.title for table in section.tables]
        assert titles[0].startswith("Ceilings")
        assert len(titles) == 3
        assert section.tables[0].rows[0][:4] == ("Tor", "g711", "4.40", "4.20")


def with_chunk(path: Path, samples: Samples) -> Path:
    """A WAV file with 34 bytes more of header, as ffmpeg writes them."""
    soundfile.write(path, samples, 8_000, subtype="PCM_16")
    content = path.read_bytes()
    chunk = b"LIST" + (26).to_bytes(4, "little") + b"INFOISFT\x0e\0\0\0Lavf58.76.100\0"
    size = (int.from_bytes(content[4:8], "little") + len(chunk)).to_bytes(4, "little")
    path.write_bytes(content[:4] + size + content[8:36] + chunk + content[36:])
    return path


class TestTheStudysScores:
    def test_a_longer_header_is_audio_to_it(self, tmp_path: Path) -> None:
        plain = write_wav(tmp_path / "plain.wav", CLIP)
        longer = with_chunk(tmp_path / "longer.wav", CLIP)
        assert np.array_equal(read_wav(plain).samples, read_wav(longer).samples)
        noisy = CLIP + np.random.default_rng(1).normal(0.0, 0.01, len(CLIP))
        heard = write_wav(tmp_path / "heard.wav", noisy)
        whole = [read_wav(path).mono(8_000) for path in (plain, heard)]
        right = raw_from_mos(narrow_band_mos(whole[0], whole[1]))
        assert study_score(plain, heard) == pytest.approx(right, abs=1e-9)
        assert study_score(longer, heard) != pytest.approx(right, abs=1e-4)
        mos = header_mos(whole[0], whole[1])
        assert mos is not None
        assert study_score(longer, heard) == raw_from_mos(mos), "the header made up, and the file's"

    def test_it_reads_nothing_but_telephone_audio(self, tmp_path: Path) -> None:
        wide = tmp_path / "wide.wav"
        soundfile.write(wide, CLIP, 16_000)
        assert study_score(wide, wide) is None
        assert study_score(tmp_path / "none.wav", wide) is None

    def test_its_table_is_set_beside_by_call(self, tmp_path: Path) -> None:
        table = tmp_path / "authors.csv"
        table.write_text(
            "iteration_no,tor_status,location,codec,caller_pesq_raw,callee_pesq_raw\n"
            "1,Tor,a,g711,3.1,0\n2,Tor,a,g711,3.2,3.3\n2,Tor,a,g711,3.2,3.4\n"
        )
        rows = beside([scored_row(n, 3.0) for n in (1, 2, 3)], read_authors(table))
        found = [(row.caller_authors_pesq_raw, row.callee_authors_pesq_raw) for row in rows]
        assert found[0] == (3.1, None), "0 stands for a call that failed"
        assert found[1:] == [(None, None)] * 2, "named twice, and not at all"

    def test_another_table_is_refused(self, tmp_path: Path) -> None:
        table = tmp_path / "other.csv"
        table.write_text("a,b\n1,2\n")
        with pytest.raises(LabError, match="is not the study's table: it lacks iteration_no"):
            read_authors(table)

    @needs_field
    def test_all_its_scores_come_out_with_its_mistake(self) -> None:
        theirs = read_authors(FIELD / "authors.csv")
        compared = 0
        for files in find_calls(FIELD / "Sample-Raw-Data" / "Non-Tor"):
            key = files.iteration_no, "non-tor", files.location.lower(), str(files.codec)
            for own, end in zip(theirs[key], (files.caller, files.callee), strict=True):
                assert end.recording is not None
                ours = study_score(FIELD / "reference" / "choppy.wav", end.recording)
                assert ours == pytest.approx(own, abs=0.0006)
                compared += 1
        assert compared == 8


@needs_field
def test_silence_suppression_is_not_all_that_the_studys_set_up_costs() -> None:
    """G.711 without Tor and without loss: 4.40 by codec, 4.2 without what was not sent, 3.5."""
    clip = read_wav(FIELD / "reference" / "choppy.wav")
    rows = {
        files.codec: analyse_call(files, clip)
        for files in find_calls(FIELD / "Sample-Raw-Data" / "Non-Tor")
        if files.codec in ("g711", "opus")
    }
    g711, opus = rows["g711"], rows["opus"]
    assert g711.callee_codec_ceiling_mos == pytest.approx(4.40, abs=0.01)
    assert g711.callee_ceiling_mos == pytest.approx(4.22, abs=0.05)
    assert g711.callee_pesq_mos is not None
    assert g711.callee_pesq_mos < 3.6
    assert opus.callee_ceiling_mos == opus.callee_codec_ceiling_mos, "it was sent whole"
