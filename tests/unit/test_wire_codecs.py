"""The codecs of the lab, by name."""

from __future__ import annotations

from lab.wire.codecs import CODECS, codec_named


def test_g722_counts_half_of_its_samples() -> None:
    assert (CODECS["G722"].sample_rate_hz, CODECS["G722"].rtpmap) == (16000, "G722/8000")


def test_codecs_are_found_whatever_their_case() -> None:
    assert codec_named("speex-wb") is CODECS["SPEEX-WB"]
    assert codec_named("G729") is None
