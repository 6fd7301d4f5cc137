"""What was asked for and what the capture shows: every difference is named."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from forged_packets import PTIME_NS, START_NS, Frame, ethernet, ipv4, udp, voice, write

from lab.calls.coding import choose_coding
from lab.errors import UsageError
from lab.measure.call.coding import coding_faults, exchange_faults
from lab.measure.call.notes import CodingNotes
from lab.measure.capture import read_capture
from lab.measure.rtp import Stream, streams
from lab.wire.codecs import CODECS


def asked(codec: str, ptime_ms: int | None = None, bitrate_kbps: int | None = None) -> CodingNotes:
    return CodingNotes.of(choose_coding(CODECS[codec], ptime_ms, bitrate_kbps))


PCMU = asked("PCMU")
OPUS = asked("OPUS", bitrate_kbps=40)


def sent(tmp_path: Path, frames: Sequence[Frame], rtpmap: bytes = b"") -> Stream:
    """The stream of a capture in which SDP named payload type 96."""
    body = b"c=IN IP4 10.0.0.2\r\nm=audio 5000 RTP/AVP 96\r\na=rtpmap:96 " + rtpmap + b"\r\n"
    message = b"SIP/2.0 200 OK\r\nContent-Type: application/sdp\r\n\r\n" + body
    answer = Frame(START_NS - 1, ethernet(ipv4(udp(message, 5060, 5060))))
    capture = read_capture(write(tmp_path / "call.pcap", [answer, *frames] if rtpmap else frames))
    (stream,) = streams(capture)
    return stream


def opus(payload_bytes: int = 100, ptime_ms: int = 20) -> list[Frame]:
    payloads = [bytes([index % 256]) * payload_bytes for index in range(50)]
    return voice(50, payload_type=96, payloads=payloads, timestamp_step=48 * ptime_ms)


def test_what_was_asked_for_raises_no_fault(tmp_path: Path) -> None:
    assert coding_faults("the caller", PCMU, sent(tmp_path, voice())) == []
    assert coding_faults("the caller", OPUS, sent(tmp_path, opus(), b"opus/48000/2")) == []


def test_pauses_left_out_are_a_fault_where_nobody_asked_and_missed_where_somebody_did(
    tmp_path: Path,
) -> None:
    whole = sent(tmp_path, voice())
    (tmp_path / "call.pcap").unlink()
    resumed = voice(
        60,
        start_ns=START_NS + 80 * PTIME_NS,
        first_sequence=1040,
        first_timestamp=5000 + 80 * 160,
    )
    paused = sent(tmp_path, voice(40) + resumed)
    assert coding_faults("the caller", PCMU, paused, vad=True) == []
    assert coding_faults("the caller", PCMU, paused) == [
        "the caller sent no voice in pauses: voice activity detection was on"
    ]
    assert coding_faults("the caller", PCMU, whole, vad=True) == [
        "the caller sent every pause: voice activity detection was asked for and not seen"
    ]


def test_empty_packets_of_opus_are_pauses(tmp_path: Path) -> None:
    payloads = [bytes([index]) * (1 if 20 <= index < 30 else 100) for index in range(50)]
    frames = voice(50, payload_type=96, payloads=payloads, timestamp_step=960)
    paused = sent(tmp_path, frames, b"opus/48000/2")
    assert coding_faults("the caller", OPUS, paused, vad=True) == []
    assert "voice activity detection was on" in coding_faults("the caller", OPUS, paused)[0]


def test_another_codec_is_named_with_its_payload_type(tmp_path: Path) -> None:
    (fault,) = coding_faults("the callee", PCMU, sent(tmp_path, voice(payload_type=8)))
    assert fault == "the callee sent PCMA/8000 (payload type 8), PCMU was asked for"


def test_wide_band_speex_is_not_narrow_band_speex(tmp_path: Path) -> None:
    frames = voice(payload_type=96)
    for name, rtpmap, faults in (
        ("SPEEX", b"speex/8000", 0),
        ("SPEEX-WB", b"speex/16000", 1),  # of half the packetisation time
        ("SPEEX-WB", b"speex/8000", 1),
    ):
        found = coding_faults("the caller", asked(name), sent(tmp_path, frames, rtpmap))
        assert len(found) == faults


def test_packets_of_another_length_of_time_are_named(tmp_path: Path) -> None:
    (fault,) = coding_faults("the caller", asked("PCMU", ptime_ms=40), sent(tmp_path, voice()))
    assert fault == "the caller sent packets of 20 ms, 40 ms were asked for"


def test_a_change_of_payload_type_in_the_call_is_named(tmp_path: Path) -> None:
    frames = voice(50)
    other = voice(10, first_sequence=1050, first_timestamp=5000 + 50 * 160, payload_type=8,
                  start_ns=START_NS + 10**9)  # fmt: skip
    (fault,) = coding_faults("the caller", PCMU, sent(tmp_path, [*frames, *other]))
    assert fault == "the caller sent packets of payload type 8 among those of the codec"


def test_voice_activity_detection_is_noticed(tmp_path: Path) -> None:
    later = voice(50, first_sequence=1050, first_timestamp=5000 + 160 * 100,
                  start_ns=START_NS + 2 * 10**9)  # fmt: skip
    (fault,) = coding_faults("the caller", PCMU, sent(tmp_path, [*voice(50), *later]))
    assert "voice activity detection was on" in fault


@pytest.mark.parametrize(("payload_bytes", "faults"), [(97, 0), (100, 0), (90, 1), (110, 1)])
def test_another_bit_rate_is_named(tmp_path: Path, payload_bytes: int, faults: int) -> None:
    stream = sent(tmp_path, opus(payload_bytes), b"opus/48000/2")
    assert len(coding_faults("the caller", OPUS, stream)) == faults


@pytest.mark.parametrize(
    ("exchange", "codec", "ptime_ms", "faults"),
    [
        ("freeswitch", "PCMU", 40, 1),
        ("freeswitch", "PCMU", 20, 0),
        ("freeswitch", "L16-48", None, 0),
        ("kamailio", "PCMU", 40, 0),
    ],
)
def test_freeswitch_is_not_trusted_to_change_the_packetisation(
    exchange: str, codec: str, ptime_ms: int | None, faults: int
) -> None:
    assert len(exchange_faults(exchange, asked(codec, ptime_ms))) == faults


def test_a_coding_has_the_codecs_own_defaults() -> None:
    assert (PCMU.ptime_ms, PCMU.bitrate_kbps) == (20, None)
    assert (OPUS.ptime_ms, OPUS.bitrate_kbps) == (20, 40)
    assert asked("L16-48").ptime_ms == 10


@pytest.mark.parametrize(
    ("codec", "ptime_ms", "bitrate_kbps", "said"),
    [
        ("PCMU", 30, None, "PCMU has no packets of 30 ms"),
        ("L16-16", 40, None, "L16-16 has no packets of 40 ms"),
        ("GSM", None, 13, "GSM has only one bit rate"),
        ("OPUS", None, 400, "OPUS has no bit rate of 400 kbit/s"),
        ("OPUS", 60, 200, "OPUS at 200 kbit/s in packets of 60 ms is 1500 bytes a packet"),
    ],
)
def test_a_coding_that_cannot_be_is_refused(
    codec: str, ptime_ms: int | None, bitrate_kbps: int | None, said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        choose_coding(CODECS[codec], ptime_ms, bitrate_kbps)
