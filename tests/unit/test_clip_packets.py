"""The clip as phones send it: packets that decode to what the codec leaves of it, and pauses."""

from __future__ import annotations

from ctypes.util import find_library

import numpy as np
import pytest
from field_sample import FIELD
from field_tree import needs_field
from talker import speak

from lab.clip.packets import CODECS, LAB_QUALITY, PJSUA_QUALITY, clip_packets
from lab.clip.silence_detector import SilenceDetector, sent_of
from lab.errors import LabError
from lab.field.ceilings import sent_frames
from lab.field.layout import find_calls
from lab.measure.capture import read_capture
from lab.measure.playout.decoding import undecodable
from lab.measure.rtp import streams
from lab.measure.samples import to_pcm16
from lab.measure.wav import Wav, read_wav

CLIP = Wav(speak(1, 12)[:, None], 8_000, "clip")


def voiced(seconds: float, level: int = 3000) -> np.ndarray:
    """Frames of 20 ms of that mean level."""
    return np.full((round(seconds * 50), 160), level, np.int16)


@pytest.mark.parametrize(("codec", "size"), [("PCMU", 160), ("PCMA", 160), ("GSM", 33)])
def test_a_packet_for_every_20_ms(codec: str, size: int) -> None:
    packets = clip_packets(codec, CLIP, vad=False)
    assert {len(packet or b"") for packet in packets} == {size}
    assert len(packets) == 600


@pytest.mark.skipif(find_library("speex") is None, reason="there is no libspeex")
def test_speex_has_the_phones_rates() -> None:
    for quality, size in ((PJSUA_QUALITY, 38), (LAB_QUALITY, 62)):
        packets = clip_packets("SPEEX", CLIP, vad=False, quality=quality)
        assert {len(packet or b"") for packet in packets} == {size}
    assert None in clip_packets("SPEEX", CLIP, vad=True)


@pytest.mark.skipif(undecodable("OPUS") is not None, reason="there is no libopus")
def test_opus_is_sent_whole() -> None:
    packets = clip_packets("OPUS", CLIP, vad=True)
    assert None not in packets
    assert {len(packet or b"") for packet in packets} == {100}, "40 kbit/s, constant"


def test_what_cannot_be_coded_says_what_can() -> None:
    with pytest.raises(LabError, match="G729 is no codec") as caught:
        clip_packets("G729", CLIP, vad=False)
    assert all(codec in (caught.value.hint or "") for codec in CODECS)


def test_silence_is_known_after_400_ms_of_it() -> None:
    frames = [*voiced(2.0), *voiced(1.5, 10), *voiced(0.5)]
    sent = sent_of(frames, 20, 20)
    assert all(sent[:119])
    assert not any(sent[120:175]), "400 ms after speech"
    assert all(sent[175:])


def test_g711_is_taken_for_half_as_long_and_holds_on_twice() -> None:
    frames = [*voiced(2.0), *voiced(1.5, 10), *voiced(0.5)]
    sent = sent_of(frames, 20, 10)
    assert all(sent[:139])
    assert not any(sent[140:175])


def test_the_threshold_follows_what_is_heard() -> None:
    detector = SilenceDetector(20)
    for frame in [*voiced(1.0), *voiced(1.0, 600)]:
        detector.is_silence(frame)
    assert detector.is_silence(voiced(0.02, 1100)[0]), "below twice the silence's level"
    assert not detector.is_silence(voiced(0.02, 1300)[0])


def test_a_long_silence_is_broken_every_five_seconds_and_the_beginning_is_sent() -> None:
    sent = np.array(sent_of(list(voiced(12.0, 0)), 20, 20))
    assert sent[:30].all(), "600 ms"
    assert np.flatnonzero(sent[30:]).tolist() == [249, 499]


@needs_field
@pytest.mark.parametrize(("codec", "directory"), [("PCMU", "g711"), ("GSM", "gsm")])
def test_the_fields_phones_left_out_the_same(codec: str, directory: str) -> None:
    """The caller's stream, as its own capture has it: 98 % of all frames and more."""
    clip = read_wav(FIELD / "reference" / "choppy.wav")
    model = np.array([packet is not None for packet in clip_packets(codec, clip, vad=True)])
    (call,) = find_calls(FIELD / "Sample-Raw-Data" / "Non-Tor" / directory)
    assert call.caller.capture is not None
    found = [s for s in streams(read_capture(call.caller.capture)) if len(s) > 500]
    field = [sent_frames(stream, clip.mono(8_000)) for stream in found]
    assert max(np.mean(each == model[: len(each)]) for each in field) > 0.98
    assert to_pcm16(clip.mono(8_000)).size // 160 == len(model)
