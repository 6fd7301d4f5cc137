"""What the lab's own clients made of what came, Mumble's as WebRTC's: one encoder, one buffer."""

from __future__ import annotations

import numpy as np

from lab.agents.voice.playout import Arrival, play_out
from lab.measure.call.end_kind import EndFigures
from lab.measure.call.notes import CallNotes
from lab.measure.playout.coded import CodedVoice as FramedVoice
from lab.measure.playout.pjmedia_buffer import Got
from lab.measure.playout.playing import Heard, PlayedVoice
from lab.measure.playout.stalls import Ledger, ledger
from lab.measure.rtp import Stream
from lab.wire.codecs import CODECS
from lab.wire.voice_client import Left


def figures(
    program: str | None, setup_ms: float | None, left: Left | None, notes: CallNotes
) -> EndFigures:
    """What a client told when it left; its first recording is the one that is scored."""
    scored = left.playbacks[0] if left else None
    return EndFigures(
        program=program,
        setup_ms=setup_ms,
        playout=notes.plan.playout,
        concealed_share=scored.concealed / (scored.ticks or 1) if scored else None,
        round_trips_ms=left.round_trips_ms if left else (),
    )


def stalls(notes: CallNotes, received: Stream, _sent: Stream, spoken_ms: float) -> Ledger:
    """What the client's own buffer made of what came: it decides from arrivals alone."""
    ptime_ms = notes.coding.ptime_ms
    playout = notes.plan.playout
    first = int(received.sequence.min())
    index = received.sequence - first
    arrivals = [
        Arrival(time_ns / 1e6, number)
        for time_ns, number in zip(received.time_ns.tolist(), index.tolist(), strict=True)
    ]
    heard = play_out(arrivals, playout, ptime_ms).heard
    began = next((at for at, number in enumerate(heard) if number is not None), 0)
    there = [Heard.SILENCE if at < began else Heard.CONCEALED for at in range(len(heard))]
    voice = FramedVoice(
        "OPUS",
        ptime_ms,
        CODECS["OPUS"].sample_rate_hz,
        ptime_ms,
        index,
        received.time_ns,
        payload=None,
    )
    played = PlayedVoice(
        voice=voice,
        at_ns=int(received.time_ns[0]) + voice.frame_ns * np.arange(len(heard)),
        heard=tuple(
            Heard.FRAME if number is not None else there[at] for at, number in enumerate(heard)
        ),
        got=tuple(Got.FRAME if number is not None else Got.EMPTY for number in heard),
        index=np.array([-1 if number is None else number for number in heard], np.int64),
        refused=np.zeros(0, np.int64),
    )
    return ledger(played, str(playout), spoken_ms)
