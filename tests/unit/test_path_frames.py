"""What is sent over a path, out of whatever pieces it comes in; and copies, of which one counts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.agents.paths.first_copies import WINDOW, FirstCopies
from lab.agents.paths.frames import (
    CELL_BYTES,
    UNKNOWN,
    Frame,
    FrameError,
    FrameReader,
    Layout,
    Packet,
    with_earlier,
)
from lab.agents.paths.policies import layout_of
from lab.wire.paths import MOST_PATHS, Policy

TUNNEL_BYTES = 64
"""RTP, UDP and IP, in OpenVPN's data channel with AES-256-GCM."""
G711_BYTES = 160
"""20 ms of it."""
RANKED = Layout(history=2, scores=4)
PACKETS = st.builds(Packet, st.integers(0, 2**32 - 1), st.binary(max_size=300))
FRAMES = st.builds(
    Frame,
    number=st.integers(0, 2**32 - 1),
    sent_us=st.integers(0, 2**32 - 1),
    packets=st.lists(PACKETS, max_size=4).map(tuple),
    history=st.tuples(st.integers(0, 255), st.integers(0, 255)),
    scores=st.tuples(*[st.integers(UNKNOWN, 32767)] * 4),
)


@given(st.lists(FRAMES, max_size=5), st.integers(1, 50))
def test_frames_come_out_as_they_went_in_however_the_stream_is_cut(
    frames: list[Frame], piece: int
) -> None:
    stream = b"".join(RANKED.write(frame) for frame in frames)
    reader = FrameReader(RANKED)
    pieces = [stream[at : at + piece] for at in range(0, len(stream), piece)]
    assert [frame for each in pieces for frame in reader.feed(each)] == frames


def test_what_no_policy_needs_is_not_sent() -> None:
    frame = Frame(1, 2, (Packet(3, b"voice"),))
    assert len(Layout().write(frame)) == Layout().head_bytes + 6 + 5 == 21
    assert len(RANKED.write(Frame(1, 2, (), (0, 1), (0,) * 4))) == RANKED.head_bytes == 20


@pytest.mark.parametrize("data", [b"\0\x04abcd", b"\0\x0f" + bytes(8) + b"\0\0\0\1\0\5x"])
def test_what_is_no_frame_is_said_to_be_none(data: bytes) -> None:
    with pytest.raises(FrameError):
        list(FrameReader(Layout()).feed(data))


@pytest.mark.parametrize("policy", [Policy.ALTERNATE, Policy.FAST_SLOW])
@pytest.mark.parametrize("paths", [1, 2, MOST_PATHS])
def test_a_cell_has_room_for_two_packets_of_g711(policy: Policy, paths: int) -> None:
    layout = layout_of(policy, paths)
    voice = [Packet(number, bytes(TUNNEL_BYTES + G711_BYTES)) for number in range(4)]
    sent = with_earlier(layout, voice[3], [voice[2], voice[1], voice[0]])
    assert sent == (voice[3], voice[2])
    frame = Frame(1, 1, sent, (0,) * layout.history, (0,) * layout.scores)
    assert len(layout.write(frame)) <= CELL_BYTES


@pytest.mark.parametrize(("bitrate_kbps", "fit"), [(40, 2), (24, 3)])
@pytest.mark.parametrize("paths", [2, MOST_PATHS])
def test_of_opus_as_many_fit_as_its_rate_lets(bitrate_kbps: int, fit: int, paths: int) -> None:
    voice = Packet(1, bytes(TUNNEL_BYTES + bitrate_kbps * 20 // 8))
    assert len(with_earlier(layout_of(Policy.ALTERNATE, paths), voice, [voice] * 4)) == fit


def test_of_small_packets_many_fit_and_of_a_large_one_none_beside_it() -> None:
    small = [Packet(number, bytes(60)) for number in range(9)]
    assert len(with_earlier(RANKED, small[8], small[7::-1])) == 7
    large = Packet(9, bytes(1400))
    assert with_earlier(RANKED, large, small) == (large,)


def test_the_first_copy_is_taken_and_no_other_in_whatever_order() -> None:
    copies = FirstCopies()
    assert [copies.take(number) for number in (2, 1, 2, 4, 1, 3, 4)] == [
        *(True, True, False, True, False, True, False)
    ]
    assert (copies.duplicates, copies.lost) == (3, 0)


def test_what_came_in_no_copy_is_lost_and_what_is_long_past_is_not_taken() -> None:
    copies = FirstCopies()
    copies.take(1)
    assert copies.take(WINDOW + 10)
    assert copies.lost == WINDOW + 8
    assert copies.take(11)
    assert not copies.take(10), "it may have come before"
    assert copies.lost == WINDOW + 7


@given(st.permutations(range(1, 60)))
def test_every_packet_is_taken_once(order: list[int]) -> None:
    copies = FirstCopies()
    assert sum(copies.take(number) for number in order * 2) == 59
    assert (copies.duplicates, copies.lost) == (59, 0)
