"""What a call could have reached: the clip through its codec, and less the pauses left out of it.

The codec's ceiling is an offline codec's (`lab.clip.offline_codec`), without network, playout or
silence suppression. The call's own ceiling leaves out of that the stretches for which its sender,
as captured, sent no packet: what silence suppression alone takes. Which these are is measured, not
modelled, since each codec of pjmedia decides in its own way (G.711 holds on for 800 ms after
speech, GSM for 400 ms, Speex decides inside its library, Opus sends all); what is not sent is
silence here. How a jitter buffer takes to pauses is not in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from lab.clip.offline_codec import CODINGS, apply_codec
from lab.errors import LabError
from lab.measure.pesq_score import LONGEST_S, narrow_band_mos
from lab.measure.rtp import Stream
from lab.measure.samples import Samples
from lab.measure.speech import RATE_HZ
from lab.measure.wav import Wav

FRAME_MS = 20
FRAME = RATE_HZ * FRAME_MS // 1000
MOST_LEAD_FRAMES = 50
"""A second: how far the clip may lie from the first packet that was sent."""
FURTHER_LEAD = 0.01
"""Of two places that leave out as little of the clip, the nearer one: in decades per frame."""
USUAL = {"g711": "PCMU", "g722": "G722", "gsm": "GSM", "opus": "OPUS", "speex": "SPEEX"}
"""Of a directory, for streams with a dynamic payload type that nothing names."""


@dataclass(frozen=True, slots=True)
class Ceilings:
    """MOS-LQO; None where this host lacks the codec (Speex and G.722 take ffmpeg)."""

    codec_mos: float | None
    """The codec alone."""
    call_mos: float | None
    """The codec, less what was not sent."""


def ceilings(reference: Wav, sent: Stream, directory_codec: str | None) -> Ceilings:
    """What could have been heard of a clip that was played into a stream, as it was sent."""
    codec = sent.codec.name if sent.codec.name in CODINGS else USUAL.get(directory_codec or "", "")
    known = _coded(codec, reference)
    if known is None:
        return Ceilings(None, None)
    clip, coded, codec_mos = known
    voiced = sent_frames(sent, clip)
    if voiced.all():
        return Ceilings(codec_mos, codec_mos)
    heard = coded.copy()
    heard[: len(voiced) * FRAME] *= np.repeat(voiced, FRAME)
    try:
        return Ceilings(codec_mos, narrow_band_mos(clip, heard))
    except LabError:
        return Ceilings(codec_mos, None)


def sent_frames(sent: Stream, clip: Samples) -> NDArray[np.bool_]:
    """For each 20 ms of the clip (8 kHz) whether a packet carried it.

    The clip lies in the stream where the packets that were not sent hold the least of it. Before
    the first packet and after the last nothing is known to be left out.
    """
    energy = np.sum(clip[: len(clip) // FRAME * FRAME].reshape(-1, FRAME) ** 2, axis=1)
    places = np.round((sent.media_ms - sent.media_ms.min()) / FRAME_MS).astype(np.int64)
    span = max(1, round(sent.ptime_ms / FRAME_MS))
    carried = np.zeros(int(places.max()) + span, bool)
    for step in range(span):
        carried[places + step] = True
    margin = np.ones(MOST_LEAD_FRAMES, bool)
    tail = np.ones(max(0, len(energy) - len(carried)), bool)
    padded = np.concatenate([margin, carried, tail, margin])
    leads = range(-MOST_LEAD_FRAMES, MOST_LEAD_FRAMES + 1)
    choices = [padded[MOST_LEAD_FRAMES + lead :][: len(energy)] for lead in leads]
    floor = 1e-9 * float(energy.sum()) + 1e-12
    costs = [
        np.log10(float(energy[~choice].sum()) + floor) + FURTHER_LEAD * abs(lead)
        for lead, choice in zip(leads, choices, strict=True)
    ]
    return choices[int(np.argmin(costs))]


@cache
def _coded(codec: str, clip: Wav) -> tuple[Samples, Samples, float] | None:
    """The clip, what a decoder makes of it, and what that scores; None where that is unknown.

    Once for every codec and clip; clips are told apart as objects.
    """
    if codec not in CODINGS or clip.duration_s > LONGEST_S:
        return None
    try:
        decoded = apply_codec(codec, clip)
        if decoded is None:
            return None
        plain, heard = clip.mono(RATE_HZ), decoded.mono(RATE_HZ)
        heard = np.pad(heard, (0, max(0, len(plain) - len(heard))))
        return plain, heard, narrow_band_mos(plain, heard)
    except LabError:
        return None
