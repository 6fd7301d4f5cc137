"""What SIP in a capture says of payload types, each media line for itself."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path

import pytest
from forged_packets import CALLEE, START_NS, Frame, ethernet, fragments, ipv4, udp, voice, write

from lab.measure.capture import read_capture
from lab.measure.rtp import Stream, streams

OPUS = [b"\x78" * 80] * 50
AUDIO = b"m=audio 5000 RTP/AVP 96 0\r\na=rtpmap:96 opus/48000/2\r\n"
VIDEO = b"m=video 5002 RTP/AVP 96\r\na=rtpmap:96 VP8/90000\r\n"
CONNECTION = b"c=IN IP4 10.0.0.2\r\n"


def only(tmp_path: Path, frames: Sequence[Frame]) -> Stream:
    (stream,) = streams(read_capture(write(tmp_path / "call.pcap", frames)))
    return stream


def message(body: bytes) -> bytes:
    head = b"SIP/2.0 200 OK\r\nm: <sip:a@10.0.0.2>\r\nContent-Type: application/sdp\r\n\r\n"
    return udp(head + b"v=0\r\ns=a call of many words\r\n" + body, 5060, 5060)


def sip(body: bytes) -> Frame:
    return Frame(START_NS - 1, ethernet(ipv4(message(body))))


def test_sdp_names_a_dynamic_type(tmp_path: Path) -> None:
    body = (
        b"c=IN IP4 10.0.0.2\r\nm=audio 5000 RTP/AVP 97 0 101\r\n"
        b"a=rtpmap:97 iLBC/8000\r\na=rtpmap:101 telephone-event/8000\r\n"
    )
    frames = [sip(body), *voice(50, payload_type=97, payloads=[b"\x28" + bytes(37)] * 50)]
    codec = only(tmp_path, frames).codec
    assert (codec.name, codec.certain) == ("ILBC", True)


def test_the_receivers_sdp_counts_before_the_senders(tmp_path: Path) -> None:
    """Both ends may give one number different meanings; packets use their receiver's."""
    ends = [
        b"c=IN IP4 %s\r\nm=audio %d RTP/AVP 97\r\na=rtpmap:97 %s/8000\r\n" % end
        for end in ((b"10.0.0.2", 5000, b"speex"), (b"10.0.0.1", 4000, b"iLBC"))
    ]
    stream = only(tmp_path, [*map(sip, ends), *voice(50, payload_type=97)])
    assert stream.destination == ip_address(CALLEE)
    assert stream.codec.name == "SPEEX"


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(CONNECTION + AUDIO + VIDEO, id="video behind"),
        pytest.param(CONNECTION + VIDEO + AUDIO, id="video before"),
        pytest.param(
            CONNECTION + VIDEO + AUDIO + b"m=image 6000 udptl t38\r\na=rtpmap:96 odd/8000\r\n",
            id="what is no RTP behind",
        ),
        pytest.param(
            b"c=IN IP4 10.9.9.9\r\n" + AUDIO + CONNECTION + VIDEO, id="a connection of its own"
        ),
        pytest.param(
            CONNECTION + AUDIO.replace(b"5000", b"5000/2").replace(b"AVP", b"SAVPF"),
            id="a number of ports, another profile",
        ),
        pytest.param(CONNECTION + AUDIO.replace(b"5000", b"7000") + VIDEO, id="behind a NAT"),
        pytest.param(b"c=IN IP4 a.name.org\r\n" + AUDIO, id="a name for an address"),
    ],
)
def test_audio_and_video_may_use_one_number(tmp_path: Path, body: bytes) -> None:
    frames = [sip(body), *voice(50, payload_type=96, timestamp_step=960, payloads=OPUS)]
    codec = only(tmp_path, frames).codec
    assert (codec.name, codec.clock_rate_hz, codec.certain) == ("OPUS", 48000, True)


def test_each_stream_by_its_own_port(tmp_path: Path) -> None:
    frames = [
        sip(CONNECTION + AUDIO + VIDEO),
        *voice(50, payload_type=96, timestamp_step=960, payloads=OPUS, ssrc=1),
        *voice(50, payload_type=96, timestamp_step=1800, destination_port=5002, ssrc=2),
    ]
    found = streams(read_capture(write(tmp_path / "call.pcap", frames)))
    assert {stream.ssrc: stream.codec.name for stream in found} == {1: "OPUS", 2: "VP8"}


def test_a_digit_and_comfort_noise_by_name(tmp_path: Path) -> None:
    body = (
        b"m=audio 5000 RTP/AVP 0 98 99\r\n"
        b"a=rtpmap:98 telephone-event/8000\r\na=rtpmap:99 CN/16000\r\n"
    )
    frames = voice(60)
    for number, payload_type in ((20, 98), (40, 99)):
        (other,) = voice(
            1,
            first_sequence=1000 + number,
            first_timestamp=5000 + 160 * number,
            start_ns=frames[number].time_ns,
            payload_type=payload_type,
        )
        frames[number] = other
    stream = only(tmp_path, [sip(CONNECTION + body), *frames])
    assert (~stream.media).nonzero()[0].tolist() == [20]
    assert stream.comfort_noise.nonzero()[0].tolist() == [40]


def test_a_message_in_fragments(tmp_path: Path) -> None:
    body = b"a=candidate:1 1 udp 1 10.0.0.2 5000 typ host\r\n" * 40 + CONNECTION + AUDIO + VIDEO
    parts = fragments(message(body), 1480, 9)
    assert len(parts) == 2
    frames = [Frame(START_NS - 9 + n, ethernet(part)) for n, part in enumerate(parts)]
    stream = only(
        tmp_path, [*frames, *voice(50, payload_type=96, timestamp_step=960, payloads=OPUS)]
    )
    assert (stream.codec.name, stream.codec.certain) == ("OPUS", True)
