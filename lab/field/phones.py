"""What an end would have heard of the clip: phones of any setting at both ends of a profile.

The clip is coded, sent in packets every 20 ms, delayed and lost as the profile says, buffered,
concealed, decoded and scored, by the programs that measure the lab's own calls. What an exchange
would have done to it, and a sender that keeps no exact pace, is not in it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from typing import Any

import numpy as np

from lab.clip.packets import LAB_QUALITY, PACKET_MS, PJSUA_QUALITY, clip_packets
from lab.errors import LabError
from lab.measure.codecs import Codec
from lab.measure.made_stream import made_stream
from lab.measure.playout.replay import PJSUA, Outcome, Voice, replay
from lab.measure.profile import VoiceWay
from lab.measure.replay import wanted_ms
from lab.measure.rtp import Stream
from lab.measure.score import Score
from lab.measure.wav import Wav
from lab.wire.codecs import CODECS

PHASE_MS = PACKET_MS / 2
"""How long after the first packet came a phone takes the first: between two of its turns, for it
did not know when that would come."""


@dataclass(frozen=True, slots=True)
class Setting:
    """How the phones at both ends are set, and what of the way is left out."""

    name: str
    vad: bool
    playout: str
    """As in `lab replay`."""
    quality: int = LAB_QUALITY
    """Of Speex."""
    without_bursts: bool = False


STUDIES = Setting("studies", vad=True, playout=PJSUA, quality=PJSUA_QUALITY)
"""Both studies' phones: pjsua's own defaults."""
TODAY = Setting("today", vad=False, playout="fixed:200")
"""The lab's phones."""


@dataclass(frozen=True, slots=True)
class End:
    """What one end would have heard."""

    pesq_mos: float | None
    owd_ms_p50: float
    """Of the network, of the packets that came."""
    delay_ms_p50: float
    """From the mouth to the ear, packetisation apart."""
    loss_pct: float
    concealed_pct: float
    late_pct: float


def heard(end: str, way: VoiceWay, clip: Wav, setting: Setting, codec: str) -> End:
    """What an end hears of the clip when it came that way."""
    packets = _packets(codec, clip, setting.vad, setting.quality)
    sent = np.flatnonzero([packet is not None for packet in packets])
    if not len(sent):
        raise LabError("the clip holds nothing that would be sent")
    sent_ns = sent * PACKET_MS * 1_000_000
    delay_ms = wanted_ms(way, sent_ns)
    came = np.flatnonzero(~np.isnan(delay_ms))
    if len(came) < 2:
        raise LabError(f"nothing would have come to the {end}")
    arrival_ns = sent_ns[came] + np.round(1e6 * delay_ms[came]).astype(np.int64)
    order = np.argsort(arrival_ns, kind="stable")
    came, arrival_ns = came[order], arrival_ns[order]
    clock = Codec(codec, CODECS[codec].rtp_clock_hz)
    received = made_stream(
        clock,
        arrival_ns,
        came,
        (sent[came] * PACKET_MS).astype(np.float64),
        [packets[number] or b"" for number in sent[came].tolist()],
    )
    loss_pct = 100 * (1 - len(came) / len(sent))
    source = Voice(
        end,
        received,
        _own(clock, int(arrival_ns[0] + 1e6 * PHASE_MS), len(packets)),
        codec,
        least_delay_ms=float(np.nanmin(delay_ms)),
        arrived_share=1 - loss_pct / 100,
    )
    result, _ = replay(source, [setting.playout], clip, mapped=_scored)
    if result.mute:
        raise LabError(result.mute)
    return _end(result.outcomes[0], float(np.nanmedian(delay_ms)), loss_pct)


def _end(outcome: Outcome, owd_ms: float, loss_pct: float) -> End:
    return End(
        pesq_mos=outcome.pesq_mos,
        owd_ms_p50=owd_ms,
        delay_ms_p50=outcome.delay_ms_p50,
        loss_pct=loss_pct,
        concealed_pct=outcome.concealed_pct,
        late_pct=outcome.stalls.late_pct,
    )


def _own(clock: Codec, begin_ns: int, count: int) -> Stream:
    """What the phone itself sends meanwhile: it tells when its turns are."""
    number = np.arange(count)
    times_ns = begin_ns + number * PACKET_MS * 1_000_000
    return made_stream(clock, times_ns, number, (number * PACKET_MS).astype(np.float64))


_known: dict[tuple[Wav, bytes, float], Score] = {}
"""By clip, what was heard of it, and the share of packets that came: calls without a loss sound
alike."""


def _scored(score: Callable[..., Score], jobs: Sequence[tuple[Any, ...]]) -> list[Score]:
    """As `starmap` would give it, in this process, nothing twice."""
    found = []
    for clip, recording, played_s, arrived_share in jobs:
        key = clip, sha256(recording.samples.tobytes()).digest(), arrived_share
        if key not in _known:
            _known[key] = score(clip, recording, played_s, arrived_share)
        found.append(_known[key])
    return found


@cache
def _packets(codec: str, clip: Wav, vad: bool, quality: int) -> tuple[bytes | None, ...]:
    """Coded once per process; clips are told apart as objects."""
    return clip_packets(codec, clip, vad=vad, quality=quality)
