"""What measuring has to know of the programs that talk at the ends of a call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.measure.call.notes import CallNotes
from lab.measure.call.voice import VoiceStreams
from lab.measure.playout.stalls import Ledger
from lab.measure.rtp import Stream
from lab.wire.playout import Playout


@dataclass(frozen=True, slots=True)
class EndFigures:
    """What one end's report says; None is what it does not."""

    program: str | None = None
    """With its version."""
    setup_ms: float | None = None
    settings: str | None = None
    """Of a phone: whose they are, and what they come to."""
    playout: Playout | None = None
    """What its recording was heard through."""
    concealed_share: float | None = None
    """Share of the codec's frames for which there was nothing to play in time."""
    held_ms: float | None = None
    """How long voice waited for its packet and in the playout buffer: what the E-model adds to
    the network's delay."""
    round_trips_ms: tuple[float, ...] = ()
    """Of the program's own pings, or other questions, to its server."""


@dataclass(frozen=True, slots=True)
class CodedVoice:
    """How the voice turned out to be coded."""

    payload_type: int | None
    """None where voice is no RTP."""
    ptime_ms: float
    faults: tuple[str, ...]
    """Why it is not what was asked for; empty where it is."""


@dataclass(frozen=True, slots=True)
class EndKind:
    """One kind of program that talks."""

    name: str
    """As calls name it in their notes."""
    report: type[Any]
    """What such a program's report is read as."""
    figures: Callable[[Any, CallNotes], EndFigures]
    """Of a report, in the call of these notes."""
    find_voice: Callable[[Path, CallNotes], VoiceStreams]
    """In a call's directory; LabError where it is not there."""
    coded: Callable[[CallNotes, VoiceStreams], CodedVoice]
    stalls: Callable[[CallNotes, Stream, Stream, float], Ledger]
    """Of what one end received, with what it sent, in so many ms of speech; LabError where it
    cannot be told."""
    plays_afterwards: bool = False
    """Whether it plays through the buffer of `lab.agents.voice.playout`, from arrivals alone."""
