"""`lab rtp` prints tables for people and JSON for programs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from field_tree import frames_at
from forged_packets import START_NS, Frame, ethernet, ipv4, pcap, voice, write

from lab.cli.rtp import command
from lab.errors import LabError


def run(*arguments: str | Path) -> Result:
    result = CliRunner().invoke(command, [str(a) for a in arguments], standalone_mode=False)
    if result.exception is not None:
        raise result.exception
    return result


def as_json(*arguments: str | Path) -> dict[str, Any]:
    values: dict[str, Any] = json.loads(run(*arguments, "--json").stdout)
    return values


@pytest.fixture
def both(tmp_path: Path) -> list[Path]:
    return [write(tmp_path / f"{end}.pcap", frames_at(end, 0)) for end in ("caller", "callee")]


def test_one_capture_as_json(both: list[Path]) -> None:
    values = as_json(both[0])
    (capture,) = values["captures"]
    assert (capture["packets"], capture["cut_short"]) == (900, False)
    sent, received = capture["streams"]
    assert (sent["source"], sent["codec"], sent["loss_pct"]) == ("10.8.0.2:4000", "PCMU", 0)
    assert received["gaps"]["voice_activity_detection"] is False
    assert set(received["jitter"]) == {"mean", "median", "max", "range", "iqr", "std_dev"}
    assert "delays" not in values


def test_two_captures_give_the_delay_of_every_packet(both: list[Path]) -> None:
    """The callee's clock is 5 ms fast, which both directions together show."""
    values = as_json(*both, "--clocks", "separate", "--series")
    assert values["clock"]["offset_ms"] == pytest.approx(5, abs=1e-3)
    there, back = sorted(values["delays"], key=lambda delay: delay["source"], reverse=True)
    assert (there["sent_in"], back["sent_in"]) == ("first", "second")
    for delay in (there, back):
        assert delay["owd_ms_series"] == pytest.approx([30.0] * 450, abs=1e-3)
        assert delay["loss_pct"] == 0
    shared = as_json(*both, "--clocks", "shared")["delays"]
    assert {round(delay["owd_ms_p50"], 3) for delay in shared} == {35.0, 25.0}


def test_the_series_of_the_jitter(both: list[Path]) -> None:
    (capture,) = as_json(both[0], "--series")["captures"]
    assert capture["streams"][0]["jitter_series_ms"] == [0.0] * 450


def test_the_table_has_a_line_per_stream(both: list[Path]) -> None:
    lines = run(*both).stdout.splitlines()
    assert sum(line.startswith("0x0000100") for line in lines) == 4
    assert any("by number" in line and "450/450" in line for line in lines)
    assert "offset of +5.00 ms" in lines[-1]


def test_thousands_of_streams_are_plain_lines(tmp_path: Path) -> None:
    frames = [
        frame for ssrc in range(300) for frame in voice(5, ssrc=ssrc, source_port=6000 + ssrc)
    ]
    path = write(tmp_path / "load.pcap", frames)
    first, heading, *lines = run(path).stdout.splitlines()
    assert "1500 packets" in first
    assert len(lines) == 300
    assert heading.split()[:4] == ["SSRC", "from", "to", "codec"]
    for line in lines:
        assert line.index("PCMU") == heading.index("codec")
        assert line.split()[4:] == ["5", "0.00", "0.000", "0.000", "0", "1.00", "20", "0", "0.1"]
    assert run(path, "--json").stdout.count("\n") == 1
    assert len(as_json(path)["captures"][0]["streams"]) == 300


def test_a_capture_without_voice_says_so_on_stderr(tmp_path: Path) -> None:
    empty = tmp_path / "empty.pcap"
    empty.write_bytes(pcap([]))
    result = run(empty)
    assert "No RTP stream" in result.stderr
    assert as_json(empty)["captures"][0]["streams"] == []


def test_packets_that_were_not_read_are_told(tmp_path: Path) -> None:
    hidden = [Frame(START_NS, ethernet(ipv4(bytes(99), protocol=50)))] * 3
    path = write(tmp_path / "esp.pcap", [*voice(50), *hidden])
    assert "Packets of it were not read: 3 in ESP." in run(path).stderr
    assert as_json(path)["captures"][0]["unread"] == [{"what": "ESP", "packets": 3}]


def test_captures_of_two_calls_have_no_delays(tmp_path: Path, both: list[Path]) -> None:
    other = write(tmp_path / "other.pcap", frames_at("callee", 7))
    assert as_json(both[0], other)["delays"] == []
    assert "not of one call" in run(both[0], other).stderr


def test_a_damaged_capture_is_one_clear_sentence(tmp_path: Path) -> None:
    broken = tmp_path / "broken.pcap"
    broken.write_bytes(b"not a capture")
    with pytest.raises(LabError, match=r"broken\.pcap is not a capture file"):
        run(broken)
