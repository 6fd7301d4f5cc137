"""One stream through any playout buffer, afterwards: what would have been heard, and its score."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from lab.measure.good_call import GOOD_MOS
from lab.measure.playout.coded import CodedVoice, coded_voice, cut_payloads
from lab.measure.playout.decoding import audio, undecodable
from lab.measure.playout.pjmedia_buffer import BufferSettings
from lab.measure.playout.playing import Heard, PlayedVoice, play, turns_ns
from lab.measure.playout.stalls import Ledger, ledger
from lab.measure.rtp import Stream
from lab.measure.score import Score, score
from lab.measure.wav import Wav
from lab.wire.playout import parse_playout

PJSUA = "pjsua"
"""pjsua's own adaptive buffer, as it is where nobody sets anything."""
DEPTHS_MS = (20, 40, 60, 80, 100, 150, 200, 300, 400, 600, 1000)
LADDER = (*(f"fixed:{depth}" for depth in DEPTHS_MS), "adaptive:60", PJSUA)
"""What a call is played through if nobody chooses."""
AS_GOOD_MOS = 0.05
"""Nearer to the best depth's score than this is as good."""


@dataclass(frozen=True, slots=True)
class Voice:
    """What one end received, and all that playing it takes."""

    end: str
    """`caller`, `callee`, or where the stream goes."""
    received: Stream
    sent: Stream | None
    """What that end sent: it tells when the phone took what it played."""
    codec: str
    """By the lab's name."""
    least_delay_ms: float | None = None
    """Of the network, its fastest packet's; None where only one end was captured."""
    spoken_ms: float | None = None
    played_s: float | None = None
    """For how long the clip was played, where that is not once."""
    arrived_share: float = 1.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one buffer made of a stream."""

    playout: str
    """As on the command line."""
    depth_ms: int | None
    """Of a fixed buffer; None of others."""
    pesq_mos: float | None
    """None where the voice cannot be decoded, or there is no clip to compare it with."""
    score_valid: bool | None
    delay_ms_p50: float
    """From the mouth to the ear, packetisation apart; where one end alone was captured, beyond
    the fastest packet's delay."""
    delay_ms_p95: float
    waited_ms_p50: float
    """Of that, in the buffer."""
    concealed_pct: float
    """Of the time from the first frame that was heard to the last: made up, or silent."""
    stalls: Ledger = field(repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self) | {"stalls": self.stalls.to_dict()}


@dataclass(frozen=True, slots=True)
class Replay:
    """One stream through several buffers."""

    end: str
    codec: str
    mute: str | None
    """Why nothing could be decoded or scored; None where all was."""
    outcomes: tuple[Outcome, ...]

    @property
    def good_ms(self) -> int | None:
        """The least fixed depth at which the call would have been good."""
        return self._least(GOOD_MOS)

    @property
    def best_ms(self) -> int | None:
        """The least fixed depth that is as good as any."""
        scores = [one.pesq_mos for one in self._fixed if one.pesq_mos is not None]
        return self._least(max(scores) - AS_GOOD_MOS) if scores else None

    @property
    def unbroken_ms(self) -> int | None:
        """The least fixed depth at which playout never stood still."""
        depths = [one.depth_ms for one in self._fixed if not one.stalls.stalls]
        return min((depth for depth in depths if depth is not None), default=None)

    @property
    def _fixed(self) -> list[Outcome]:
        return [one for one in self.outcomes if one.depth_ms is not None]

    def _least(self, above: float) -> int | None:
        good = [
            one.depth_ms
            for one in self._fixed
            if one.depth_ms is not None and one.pesq_mos is not None and one.pesq_mos > above
        ]
        return min(good, default=None)

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "end": self.end,
            "codec": self.codec,
            "mute": self.mute,
            "good_ms": self.good_ms,
            "best_ms": self.best_ms,
            "unbroken_ms": self.unbroken_ms,
            "playouts": [one.to_dict() for one in self.outcomes],
        }


def settings_of(playout: str, voice: CodedVoice) -> BufferSettings:
    """The buffer that a user's word stands for; ValueError says what is wrong with the word."""
    if playout == PJSUA:
        return BufferSettings.of_pjsua(voice.frame_ms)
    return BufferSettings.of(parse_playout(playout), voice.frame_ms, voice.ptime_ms)


Map = Callable[[Callable[..., Score], Sequence[tuple[Any, ...]]], Iterable[Score]]
"""What applies a function to arguments, several at once: in this process, or in others."""


def _heed_nothing() -> None:
    """Let the signals that end a pool end a worker without a word; who forked it may heed them."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


def several_at_once(function: Callable[..., Score], jobs: Sequence[tuple[Any, ...]]) -> list[Score]:
    """In processes of their own, since PESQ's code can do one at a time in a process."""
    workers = min(len(jobs), os.cpu_count() or 1)
    # Forked: what is loaded here is there.
    with multiprocessing.get_context("fork").Pool(workers, _heed_nothing) as pool:
        return pool.starmap(function, jobs, chunksize=1)


def replay(
    source: Voice,
    playouts: Sequence[str],
    reference: Wav | None,
    mapped: Map = several_at_once,
) -> tuple[Replay, dict[str, Wav]]:
    """Play a stream through every buffer; with it the audio of each, by the buffer's word.

    `mapped` scores what was heard. LabError where the stream holds no frames that are known;
    ValueError for a word that is no buffer's.
    """
    mute = _mute(source)
    voice = coded_voice(source.received, source.codec, payload=mute is None)
    turns = turns_ns(voice, source.sent)
    played = {word: play(voice, settings_of(word, voice), turns) for word in playouts}
    heard: dict[str, Wav] = {}
    if mute is None:
        heard = {word: audio(one, f"{source.end} through {word}") for word, one in played.items()}
        if reference is None:
            mute = "there is no clip to score it against"
    scores = {} if reference is None else _scores(reference, heard, source, mapped)
    outcomes = tuple(_outcome(word, one, source, scores.get(word)) for word, one in played.items())
    return Replay(source.end, source.codec, mute, outcomes), heard


def _mute(source: Voice) -> str | None:
    """Why the voice cannot be decoded."""
    stream = source.received
    if cut := cut_payloads(stream):
        whole, kept = int(stream.payload_bytes.max()), int(stream.payload_captured_bytes.max())
        return (
            f"its voice cannot be decoded: of {cut} packets the capture holds "
            f"{kept} of {whole} bytes (its snap length is too short)"
        )
    if not stream.payload_captured_bytes.any():
        return "its voice cannot be decoded: its packets' content was not kept"
    return undecodable(source.codec)


def _outcome(word: str, played: PlayedVoice, source: Voice, scored: Score | None) -> Outcome:
    voice = played.voice
    fixed = word != PJSUA and not parse_playout(word).adaptive
    rows = np.flatnonzero([heard is Heard.FRAME for heard in played.heard])
    media_ns = played.index[rows] * voice.frame_ns
    transit_ns = voice.arrival_ns - voice.index * voice.frame_ns
    delay_ms = (played.at_ns[rows] - media_ns - transit_ns.min()) / 1e6
    delay_ms += source.least_delay_ms or 0.0
    p50, p95 = np.percentile(delay_ms, (50, 95))
    stretch = rows[-1] - rows[0] + 1
    return Outcome(
        playout=word,
        depth_ms=parse_playout(word).depth_ms if fixed else None,
        pesq_mos=scored.pesq_mos if scored else None,
        score_valid=scored.valid if scored else None,
        delay_ms_p50=float(p50),
        delay_ms_p95=float(p95),
        waited_ms_p50=float(np.median(played.waited_ms)),
        concealed_pct=float(100 * (stretch - len(rows)) / stretch),
        stalls=ledger(played, word, source.spoken_ms),
    )


def _scores(reference: Wav, heard: dict[str, Wav], source: Voice, mapped: Map) -> dict[str, Score]:
    """The score of each, the same audio scored once."""
    distinct = {_content(wav): wav for wav in heard.values()}
    if not distinct:
        return {}
    jobs = [(reference, wav, source.played_s, source.arrived_share) for wav in distinct.values()]
    done = dict(zip(distinct, mapped(score, jobs), strict=True))
    return {word: done[_content(wav)] for word, wav in heard.items()}


def _content(wav: Wav) -> bytes:
    """The audio without the silence before it, which is all that a deeper buffer may change."""
    samples = wav.samples[:, 0]
    sounding = np.flatnonzero(samples)
    return samples[sounding[0] :].tobytes().rstrip(b"\0") if len(sounding) else b""
