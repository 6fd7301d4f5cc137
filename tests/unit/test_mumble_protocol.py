"""What a Mumble client sends and understands: frames, messages, voice."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.agents.mumble.framing import (
    Frames,
    FramingError,
    Kind,
    frame,
    integer,
    message,
    parse,
    text,
)
from lab.agents.mumble.voice import VoiceError, number, pack_voice, read_number, unpack_voice


def test_a_message_is_what_protobuf_makes_of_it() -> None:
    # Authenticate: username (1) "caller", opus (5) true; bytes as protoc's Python writes them.
    assert message({1: "caller", 5: 1}) == b"\x0a\x06caller\x28\x01"


def test_a_message_is_read_back_with_fields_of_every_wire_type() -> None:
    body = message({1: 300, 3: "call-1", 7: [1, 2]}) + b"\x45" + bytes(4) + b"\x49" + bytes(8)
    fields = parse(body)
    assert integer(fields, 1) == 300
    assert text(fields, 3) == "call-1"
    assert fields[7] == [1, 2]
    assert fields[8] == [bytes(4)]
    assert fields[9] == [bytes(8)]
    assert integer(fields, 2) is None


@pytest.mark.parametrize("body", [b"\x0a\x06call", b"\x08", b"\x80\x80", b"\x0b"])
def test_what_is_no_message_is_refused(body: bytes) -> None:
    with pytest.raises(FramingError):
        parse(body)


@given(st.lists(st.binary(max_size=50)), st.integers(1, 7))
def test_frames_are_found_however_the_stream_is_cut(bodies: list[bytes], step: int) -> None:
    stream = b"".join(frame(Kind.UDP_TUNNEL, body) for body in bodies)
    frames = Frames()
    found: list[tuple[int, bytes]] = []
    for place in range(0, len(stream), step):
        found += frames.feed(stream[place : place + step])
    assert found == [(Kind.UDP_TUNNEL, body) for body in bodies]


def test_a_length_that_cannot_be_is_refused() -> None:
    with pytest.raises(FramingError, match="cannot be"):
        list(Frames().feed(b"\x00\x01\xff\xff\xff\xff"))


@pytest.mark.parametrize(
    ("value", "encoded"),
    [
        (0x7F, "7f"),
        (0x80, "8080"),
        (0x3FFF, "bfff"),
        (0x4000, "c04000"),
        (0x200000, "e0200000"),
        (0x10000000, "f010000000"),
        (1 << 32, "f40000000100000000"),
    ],
)
def test_numbers_in_voice_packets_are_mumbles_own_varints(value: int, encoded: str) -> None:
    assert number(value).hex() == encoded
    assert read_number(number(value), 0) == (value, len(number(value)))


@given(st.integers(0, (1 << 64) - 1))
def test_every_number_comes_back(value: int) -> None:
    assert read_number(b"\x00" + number(value) + b"\xff", 1) == (value, 1 + len(number(value)))


def test_a_voice_packet_comes_back_with_the_speakers_session() -> None:
    sent = pack_voice(2998, b"opus", last=True)
    assert sent[0] == 0x80
    relayed = sent[:1] + number(17) + sent[1:]
    packet = unpack_voice(relayed)
    assert packet is not None
    assert (packet.session, packet.sequence, packet.opus, packet.last) == (17, 2998, b"opus", True)


def test_other_codecs_are_no_voice_of_ours_and_cut_packets_are_an_error() -> None:
    assert unpack_voice(b"\x00\x01\x02\x03") is None
    with pytest.raises(VoiceError):
        unpack_voice(b"\x80\x01\x02\x05abc")
