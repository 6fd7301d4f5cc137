"""Which playout buffers there are, and how they are written."""

from __future__ import annotations

import pytest

from lab.calls.methods import METHODS
from lab.calls.voice_clients import recordings
from lab.errors import UsageError
from lab.wire.codecs import CODECS
from lab.wire.playout import ADAPTIVE, FIXED, Playout, parse_playout


@pytest.mark.parametrize(
    ("text", "buffer"),
    [
        ("fixed", Playout(200)),
        ("fixed:60", Playout(60)),
        ("adaptive", Playout(60, adaptive=True)),
        ("adaptive:2000", Playout(2000, adaptive=True)),
    ],
)
def test_playout_buffers_as_they_are_written(text: str, buffer: Playout) -> None:
    assert parse_playout(text) == buffer
    assert parse_playout(buffer.spec) == buffer


@pytest.mark.parametrize("text", ["elastic:3", "fixed:", "fixed:10", "adaptive:2001", "", 7, None])
def test_what_cannot_be_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match=r"no playout buffer|cannot be so deep"):
        parse_playout(text)


def test_they_are_told_in_words() -> None:
    assert str(FIXED) == "fixed 200 ms, at most 2000 ms"
    assert str(ADAPTIVE) == "adaptive from 60 ms, at most 2000 ms"


def test_a_client_of_the_labs_own_records_through_the_other_kind_as_well() -> None:
    assert recordings(FIXED) == {"": FIXED, "-adaptive": ADAPTIVE}
    assert recordings(ADAPTIVE) == {"": ADAPTIVE, "-fixed": FIXED}


def test_a_telephone_program_without_such_a_buffer_is_named() -> None:
    opus = CODECS["OPUS"]
    with pytest.raises(UsageError, match="baresip, has no adaptive playout"):
        METHODS.named("v-tor").check_playout(opus, ADAPTIVE)
    METHODS.named("v-tor").check_playout(opus, Playout(60))
    METHODS.named("v-tor").check_playout(CODECS["GSM"], ADAPTIVE)
    METHODS.named("m-tor").check_playout(opus, ADAPTIVE)
