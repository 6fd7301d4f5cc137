"""`lab field` turns a tree of recordings and captures into rows, and marks what went wrong."""

from __future__ import annotations

import csv
import json
import os
import struct
from collections.abc import Sequence
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner
from field_tree import CLIP, frames_at, make_call, scored_row, write_wav
from forged_packets import Frame, ethernet, ipv4, write
from talker import speak

from lab.cli.field import command
from lab.errors import LabError
from lab.field.layout import CallFiles, EndFiles, find_calls
from lab.field.packets import DIFFERENT_CALLS
from lab.field.reading import read_table
from lab.field.row import COLUMNS, STUDY_COLUMNS, CallRow
from lab.field.run import analyse_calls, analyse_tree
from lab.field.series import change_points, judge_series
from lab.field.table import Journal, write_table
from lab.measure.emodel import rate
from lab.measure.wav import read_wav

LOCATION = Path("Tor/g711/1Frank-Lond")


def quietly(done: int, total: int) -> None:
    """Progress that nobody watches."""


@pytest.fixture
def reference(tmp_path: Path) -> Path:
    return write_wav(tmp_path / "reference.wav", CLIP)


def analyse(tmp_path: Path, reference: Path) -> list[CallRow]:
    return analyse_tree(tmp_path / "tree", reference, tmp_path / "out.csv", 2, quietly)


class TestLayout:
    def test_a_call_is_found_with_all_its_names(self, tmp_path: Path) -> None:
        make_call(tmp_path / "Sample" / "Non-Tor" / "gsm" / "NonTOR_Nagle_OFF" / "3Bangl-nyc", 10)
        (call,) = find_calls(tmp_path)
        assert (call.tor_status, call.codec, call.location, call.iteration_no) == (
            "Non-tor",
            "gsm",
            "3Bangl-nyc",
            10,
        )
        assert call.name == "Sample/Non-Tor/gsm/NonTOR_Nagle_OFF/3Bangl-nyc#10"
        assert len(call.files) == 4

    @pytest.mark.parametrize(
        ("directory", "tor_status", "codec"),
        [
            ("Tor/OPUS/x", "Tor", "opus"),
            ("Non-Tor/NonTOR_Nagle_OFF_SPEEX/x", "Non-tor", "speex"),
            ("x", None, None),
        ],
    )
    def test_codec_and_tor_are_read_from_directory_names(
        self, tmp_path: Path, directory: str, tor_status: str | None, codec: str | None
    ) -> None:
        make_call(tmp_path / directory, 0)
        (call,) = find_calls(tmp_path)
        assert (call.tor_status, call.codec) == (tor_status, codec)

    def test_missing_files_are_none_and_calls_go_by_number(self, tmp_path: Path) -> None:
        for number in (10, 9):
            made = make_call(tmp_path / LOCATION, number)
        made["callee recording"].unlink()
        calls = find_calls(tmp_path)
        assert [call.iteration_no for call in calls] == [9, 10]
        assert calls[0].callee.recording is None
        assert calls[0].callee.capture is not None

    def test_of_two_files_the_capture_inside_the_tunnel_and_the_recording_count(
        self, tmp_path: Path
    ) -> None:
        made = make_call(tmp_path / LOCATION, 3)
        outside = made["caller capture"].with_name("pcap_capture_a_outside_3.pcap")
        outside.write_bytes(b"")
        played = made["caller recording"].with_name("a_clip_3.wav")
        played.write_bytes(b"")
        made["caller recording"].with_name("clip_8k.wav").write_bytes(b"")
        (call,) = find_calls(tmp_path)
        assert call.caller.capture == made["caller capture"]
        assert call.caller.recording == made["caller recording"]

    @pytest.mark.parametrize(
        "dropping",
        [
            "{parent}/._{name}",
            "{parent}/.AppleDouble/{name}",
            "{parent}/~${name}",
            "{parent}/@eaDir/{name}",
            "__MACOSX/{parent}/._{name}",
            "__MACOSX/{parent}/{name}",
            ".Trashes/501/{parent}/{name}",
            "$RECYCLE.BIN/S-1-5/{parent}/{name}",
            "System Volume Information/{parent}/{name}",
        ],
    )
    def test_what_other_systems_leave_in_a_tree_is_no_call(
        self, tmp_path: Path, dropping: str
    ) -> None:
        made = make_call(tmp_path / LOCATION, 0)
        before = find_calls(tmp_path)
        for path in made.values():
            place = path.parent.relative_to(tmp_path)
            left = tmp_path / dropping.format(parent=place, name=path.name)
            left.parent.mkdir(parents=True, exist_ok=True)
            # An AppleDouble header, which is neither a capture nor a recording.
            left.write_bytes(b"\0\x05\x16\x07\0\2\0\0Mac OS X        " + bytes(100))
        for name in (".DS_Store", "Thumbs.db", "desktop.ini"):
            (tmp_path / name).write_bytes(b"\0")
        assert find_calls(tmp_path) == before

    def test_a_tree_below_a_hidden_directory_is_a_tree(self, tmp_path: Path) -> None:
        make_call(tmp_path / ".mine" / LOCATION, 0)
        assert len(find_calls(tmp_path / ".mine")) == 1

    def test_a_tree_without_calls_is_an_error(self, tmp_path: Path) -> None:
        with pytest.raises(LabError, match="no call below"):
            find_calls(tmp_path)


class TestRows:
    def test_a_good_call(self, tmp_path: Path, reference: Path) -> None:
        make_call(tmp_path / "tree" / LOCATION, 4)
        (row,) = analyse(tmp_path, reference)
        assert (row.status, row.valid, row.invalid_reasons) == ("ok", True, "")
        assert row.caller_pesq_mos == pytest.approx(4.549, abs=0.001)
        assert (row.caller_codec, row.codec_matched, row.ssrc_matched) == ("PCMU", True, True)
        # SSRCs of the streams that each end received.
        assert (row.caller_ssrc, row.callee_ssrc) == ("0x00001009", "0x00001008")
        assert row.caller_owd_ms_p50 == pytest.approx(30, abs=1e-3)
        assert row.callee_owd_ms_p50
        rated = rate("PCMU", row.callee_owd_ms_p50 + 20, 0)
        assert rated
        assert row.callee_owd_ms_max == pytest.approx(30, abs=1e-3)
        assert row.callee_emodel_r == rated.r
        assert (row.caller_missing_share, row.callee_longest_gap_ms) == (0, 0)
        assert row.clock_offset_ms == pytest.approx(5, abs=1e-3)
        assert row.rtt_ms_min == pytest.approx(60, abs=1e-3)
        assert (row.caller_loss_pct, row.caller_vad, row.caller_jitter_max) == (0, False, 0)

    def test_the_csv_begins_with_the_studys_columns(self, tmp_path: Path, reference: Path) -> None:
        make_call(tmp_path / "tree" / LOCATION, 4)
        analyse(tmp_path, reference)
        with (tmp_path / "out.csv").open() as file:
            names = next(csv.reader(file))
        assert names[:4] == ["iteration_no", "tor_status", "location", "codec"]
        assert names[4:8] == [f"{e}_pesq_{k}" for e in ("caller", "callee") for k in ("raw", "mos")]
        assert names[19] == "callee_jitter_std_dev" == STUDY_COLUMNS[-1]

    def test_ends_of_different_calls_are_found_out(self, tmp_path: Path, reference: Path) -> None:
        """Callee 1 and callee 2 lie exchanged, and each row names the right partner."""
        location = tmp_path / "tree" / LOCATION
        made = {number: make_call(location, number) for number in (1, 2)}
        for number, other in ((1, 2), (2, 1)):
            write(made[number]["callee capture"], frames_at("callee", other))
        for row, partner in zip(analyse(tmp_path, reference), (2, 1), strict=True):
            assert (row.valid, row.ssrc_matched) == (False, False)
            assert f"different calls (the caller's other end is callee {partner})" in (
                row.invalid_reasons
            )
            assert row.caller_owd_ms_p50 is None
            # Without the other end the caller is told by its smoother stream.
            assert row.caller_ssrc == f"0x{0x1000 + 2 * row.iteration_no + 1:08x}"

    def test_a_codec_that_is_not_the_directorys(self, tmp_path: Path, reference: Path) -> None:
        make_call(tmp_path / "tree" / "Tor" / "OPUS" / "x", 0)
        (row,) = analyse(tmp_path, reference)
        assert (row.codec, row.caller_codec, row.codec_matched) == ("opus", "PCMU", False)
        assert not row.valid
        assert "caller: received PCMU, the directory says opus" in row.invalid_reasons

    def test_recordings_of_both_directions_ask_for_a_channel(
        self, tmp_path: Path, reference: Path
    ) -> None:
        made = make_call(tmp_path / "tree" / LOCATION, 0)
        sent = np.concatenate([np.zeros(800), CLIP])[: len(CLIP)]
        for end in ("caller", "callee"):
            both = np.stack([0.5 * CLIP, sent], axis=1)
            soundfile.write(made[f"{end} recording"], both, 8000, subtype="PCM_16")
        (row,) = analyse(tmp_path, reference)
        assert not row.valid
        assert "name it with --channel" in row.invalid_reasons
        table = tmp_path / "t.csv"
        (row,) = analyse_tree(tmp_path / "tree", reference, table, 1, quietly, channel=2)
        assert row.valid, row.invalid_reasons
        assert row.caller_audio_delay_ms == pytest.approx(100, abs=0.2)

    def test_the_wrong_reference(self, tmp_path: Path) -> None:
        make_call(tmp_path / "tree" / LOCATION, 0)
        (row,) = analyse(tmp_path, write_wav(tmp_path / "wrong.wav", speak(2, 9.0)))
        assert row.status == "ok"
        assert not row.valid
        assert "is not the reference" in row.invalid_reasons

    def test_a_failed_call_has_nulls_and_no_zeros(self, tmp_path: Path, reference: Path) -> None:
        """The callee received neither packets nor sound."""
        made = make_call(tmp_path / "tree" / LOCATION, 0)
        write_wav(made["callee recording"], np.zeros(72_000))
        made["callee capture"].unlink()
        (row,) = analyse(tmp_path, reference)
        assert (row.status, row.reason, row.valid) == ("failed", "callee received nothing", False)
        assert row.callee_pesq_mos is None
        assert row.callee_loss_pct is None

    @pytest.mark.parametrize("damage", [b"", b"garbage", bytes(100_000)])
    def test_damaged_files_cost_only_what_they_held(
        self, tmp_path: Path, reference: Path, damage: bytes
    ) -> None:
        location = tmp_path / "tree" / LOCATION
        made = make_call(location, 0)
        made["caller capture"].write_bytes(damage)
        made["callee recording"].write_bytes(damage)
        make_call(location, 1)
        spoilt, good = analyse(tmp_path, reference)
        assert good.valid
        assert (spoilt.status, spoilt.valid) == ("ok", False)
        assert "pcap_capture_inside_0.pcap" in spoilt.invalid_reasons
        assert "callee_recording_0.wav" in spoilt.invalid_reasons
        assert spoilt.caller_pesq_mos is not None
        assert spoilt.callee_pesq_mos is None
        assert spoilt.caller_jitter_mean is None
        assert spoilt.callee_jitter_mean is not None

    @pytest.mark.parametrize("protocol", [50, 115])
    def test_a_call_whose_packets_were_not_read_is_never_valid(
        self, tmp_path: Path, reference: Path, protocol: int
    ) -> None:
        made = make_call(tmp_path / "tree" / LOCATION, 0)
        for end in ("caller", "callee"):
            frames = frames_at(end, 0)
            hidden = [
                replace(frame, octets=ethernet(ipv4(frame.octets[14:], protocol=protocol)))
                for frame in frames
            ]
            write(
                made[f"{end} capture"], hidden if end == "caller" else frames[:800] + hidden[800:]
            )
        (row,) = analyse(tmp_path, reference)
        assert (row.status, row.valid) == ("ok", False)
        assert "caller: the capture shows no voice that it received and sent" in row.invalid_reasons
        assert "caller: packets of the capture were not read: 900 in " in row.invalid_reasons
        assert "callee: packets of the capture were not read: 100 in " in row.invalid_reasons

    def test_a_reference_without_speech_is_refused_at_once(self, tmp_path: Path) -> None:
        make_call(tmp_path / "tree" / LOCATION, 0)
        silent = write_wav(tmp_path / "silent.wav", np.zeros(72_000))
        with pytest.raises(LabError, match="too little for PESQ"):
            analyse(tmp_path, silent)


def renewed(frames: Sequence[Frame], *, ssrc: int, timestamp: int, sequence: int) -> list[Frame]:
    """Both directions' RTP from the middle of the call on with other fields, by what to add."""
    changed = []
    for frame in frames:
        number, stamp, source = struct.unpack(">HII", frame.octets[44:54])
        fields = struct.pack(
            ">HII", (number + sequence) % 2**16, (stamp + timestamp) % 2**32, source ^ ssrc
        )
        late = number >= 1000 + 225
        changed.append(
            replace(frame, octets=frame.octets[:44] + fields + frame.octets[54:]) if late else frame
        )
    return changed


class TestCallsInPieces:
    """The sender began anew in mid-call: the whole call counts, not its longest piece."""

    @pytest.mark.parametrize(
        ("change", "remark"),
        [
            ({"ssrc": 0xFF00, "timestamp": 987654321, "sequence": 12345}, "2 streams one after"),
            ({"ssrc": 0, "timestamp": 3987654321, "sequence": 0}, "began its timestamps anew once"),
            ({"ssrc": 0, "timestamp": 987654321, "sequence": 20000}, "began its numbers anew once"),
        ],
    )
    def test_loss_after_the_change_is_seen(
        self, tmp_path: Path, reference: Path, change: dict[str, int], remark: str
    ) -> None:
        made = make_call(tmp_path / "tree" / LOCATION, 0)
        whole = make_call(tmp_path / "other" / LOCATION, 0)
        for end in ("caller", "callee"):
            frames = frames_at(end, 0)
            if end == "caller":
                lost = set(received_by(frames, "10.8.0.2")[-120::2])
                frames = [frame for number, frame in enumerate(frames) if number not in lost]
            write(whole[f"{end} capture"], frames)
            write(made[f"{end} capture"], renewed(frames, **change))
        (row,) = analyse(tmp_path, reference)
        (plain,) = analyse_tree(tmp_path / "other", reference, tmp_path / "o.csv", 2, quietly)
        assert row.valid
        assert remark in row.remarks
        assert row.caller_loss_pct == pytest.approx(100 * 60 / 450)
        assert row.caller_loss_pct == plain.caller_loss_pct
        for name in COLUMNS:
            if any(word in name for word in ("jitter", "owd", "emodel", "pacing", "packets")):
                assert getattr(row, name) == pytest.approx(getattr(plain, name), abs=1e-3), name

    def test_a_piece_that_never_arrived_is_lost(self, tmp_path: Path, reference: Path) -> None:
        """After a transfer nothing comes through one way any more."""
        made = make_call(tmp_path / "tree" / LOCATION, 0)
        for end in ("caller", "callee"):
            frames = renewed(frames_at(end, 0), ssrc=0xFF00, timestamp=9, sequence=9)
            if end == "callee":
                dead = set(received_by(frames, "10.8.0.1")[225:])
                frames = [frame for number, frame in enumerate(frames) if number not in dead]
            write(made[f"{end} capture"], frames)
        (row,) = analyse(tmp_path, reference)
        assert row.callee_loss_pct == pytest.approx(50, abs=0.5)
        assert row.caller_loss_pct == 0


def received_by(frames: Sequence[Frame], address: str) -> list[int]:
    """Places of the frames to that address."""
    packed = ip_address(address).packed
    return [number for number, frame in enumerate(frames) if frame.octets[30:34] == packed]


class TestSeries:
    def test_a_broken_environment_is_marked_from_its_first_call_on(self) -> None:
        generator = np.random.default_rng(4)
        levels = [*generator.normal(4, 0.4, 20), *generator.normal(1.5, 0.3, 15)]
        rows = judge_series([scored_row(n, level) for n, level in enumerate(levels)])
        assert [r.segment for r in rows] == [0] * 20 + [1] * 15
        assert [r.valid for r in rows] == [True] * 20 + [False] * 15
        assert "broken environment: from call 20 on" in rows[30].invalid_reasons

    def test_an_ssrc_that_every_call_has_names_no_partner(self) -> None:
        same: dict[str, Any] = {"callee_ssrc": "0xdeadbeef", "caller_sent_ssrc": "0xdeadbeef"}
        mixed = replace(
            scored_row(1, 4.0), **same, ssrc_matched=False, invalid_reasons=DIFFERENT_CALLS
        )
        rows = judge_series([mixed, replace(scored_row(2, 4.0), **same)])
        assert rows[0].invalid_reasons == DIFFERENT_CALLS

    def test_a_stretch_of_failed_calls_is_a_break(self) -> None:
        levels = [4.0] * 12 + [None] * 10 + [4.1] * 12
        rows = judge_series([scored_row(n, level) for n, level in enumerate(levels)])
        assert [r.segment for r in rows] == [0] * 12 + [1] * 10 + [2] * 12
        assert [r.valid for r in rows] == [True] * 12 + [False] * 10 + [True] * 12

    def test_calls_that_vary_are_no_break(self) -> None:
        """Tor's own variation: 200 series of 30 calls, of which a thousandth may be cut."""
        generator = np.random.default_rng(8)
        series = [generator.uniform(1.2, 4.4, 30) for _ in range(200)]
        assert sum(bool(change_points(levels)) for levels in series) <= 2

    def test_series_are_judged_apart_and_by_number(self) -> None:
        good = [scored_row(n, 4.2, "a") for n in range(10)]
        bad = [scored_row(n, 1.2, "b") for n in range(10)]
        assert all(r.valid for r in judge_series(good + bad))
        shuffled = [scored_row(n, 4.2 if n < 10 else 1.2) for n in (*range(19, -1, -1),)]
        judged = judge_series(shuffled)
        assert [r.iteration_no for r in judged] == [r.iteration_no for r in shuffled]
        assert {r.iteration_no for r in judged if r.segment == 1} == set(range(10, 20))


class TestTable:
    def test_rows_come_back_as_they_were(self, tmp_path: Path) -> None:
        rows = [
            scored_row(1, 4.123456789012345),
            scored_row(2, None),
            replace(scored_row(3, 2.0), caller_vad=True),
        ]
        write_table(tmp_path / "t.csv", rows)
        assert read_table(tmp_path / "t.csv") == rows

    def test_a_table_without_the_columns_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "t.csv").write_text("iteration_no,location\n1,x\n")
        with pytest.raises(LabError, match="lacks the column"):
            read_table(tmp_path / "t.csv")

    def test_no_place_to_write(self, tmp_path: Path) -> None:
        with pytest.raises(LabError, match="cannot be written"):
            write_table(tmp_path / "nowhere" / "t.csv", [])


class TestResume:
    def test_only_what_is_missing_or_changed_is_done_again(
        self, tmp_path: Path, reference: Path
    ) -> None:
        """A journal with marked rows, as an interrupted run leaves it, down to half a line."""
        location = tmp_path / "tree" / LOCATION
        for number in range(3):
            make_call(location, number)
        calls = find_calls(tmp_path / "tree")
        journal = Journal(tmp_path / "out.csv", read_wav(reference))
        for call in calls[:2]:
            journal.add(call, replace(scored_row(call.iteration_no, 1.0), remarks="from before"))
        with journal.path.open("a") as file:
            file.write('{"fingerprint": "half a li')
        changed = calls[1].files[0]
        os.utime(changed, ns=(0, changed.stat().st_mtime_ns + 1))
        seen: list[tuple[int, int]] = []
        rows = analyse_tree(
            tmp_path / "tree", reference, tmp_path / "out.csv", 1, lambda *at: seen.append(at)
        )
        assert [r.remarks for r in rows] == ["from before", "", ""]
        assert seen[0] == (1, 3)
        assert seen[-1] == (3, 3)
        assert not journal.path.exists()

    def test_another_reference_starts_afresh(self, tmp_path: Path, reference: Path) -> None:
        make_call(tmp_path / "tree" / LOCATION, 0)
        (call,) = find_calls(tmp_path / "tree")
        other = Journal(tmp_path / "out.csv", read_wav(write_wav(tmp_path / "o.wav", CLIP[:-1])))
        other.add(call, replace(scored_row(0, 1.0), remarks="from before"))
        (found,) = analyse(tmp_path, reference)
        assert found.remarks == ""


def crash_on_three(reference: Path, files: CallFiles) -> CallRow:
    if files.iteration_no == 3:
        os.abort()
    return scored_row(files.iteration_no, 4.0)


def test_a_call_that_kills_its_process_is_given_up_alone() -> None:
    nothing = EndFiles(None, None)
    calls = [CallFiles("a", n, None, "a", None, nothing, nothing) for n in range(5)]
    rows = {
        call.iteration_no: found
        for call, found in analyse_calls(calls, Path("unused"), 2, crash_on_three)
    }
    assert rows[3].status == "failed"
    assert rows[3].reason == "the analysis crashed"
    assert len(rows) == 5
    assert all(found.valid for number, found in rows.items() if number != 3)


class TestCommand:
    def run(self, *arguments: str | Path) -> tuple[int, str, str]:
        result = CliRunner().invoke(command, [str(a) for a in arguments], standalone_mode=False)
        if result.exception is not None:
            raise result.exception
        return result.exit_code, result.stdout, result.stderr

    def test_json_on_stdout_progress_on_stderr_figures_on_disk(
        self, tmp_path: Path, reference: Path
    ) -> None:
        make_call(tmp_path / "tree" / LOCATION, 0)
        _, stdout, stderr = self.run(
            tmp_path / "tree", "--reference", reference, "--out", tmp_path / "out.csv",
            "--figures", tmp_path / "figures", "--json",
        )  # fmt: skip
        (group,) = json.loads(stdout)["groups"]
        assert (group["tor_status"], group["codec"]) == ("Tor", "g711")
        assert group["counts"] == {"valid": 1, "invalid": 0, "failed": 0}
        assert group["mos"]["estimate"] == pytest.approx(4.549, abs=0.001)
        assert "1/1" in stderr
        drawn = {path.name for path in (tmp_path / "figures").iterdir()}
        assert "jitter_against_pesq.svg" in drawn
        assert len(drawn) == 12

    def test_a_reference_that_nobody_played_is_said(self, tmp_path: Path) -> None:
        make_call(tmp_path / "tree" / LOCATION, 0)
        wrong = write_wav(tmp_path / "wrong.wav", speak(2, 9.0))
        _, _, stderr = self.run(
            tmp_path / "tree", "--reference", wrong, "--out", tmp_path / "out.csv"
        )
        assert "probably not the clip that was played" in stderr

    def test_a_directory_that_is_not_there(self, tmp_path: Path, reference: Path) -> None:
        with pytest.raises(LabError, match=r"is no directory to write out\.csv to"):
            self.run(tmp_path, "--reference", reference, "--out", tmp_path / "no" / "out.csv")


def test_every_column_is_explained_by_one_field() -> None:
    assert len(set(COLUMNS)) == len(COLUMNS) > 60
