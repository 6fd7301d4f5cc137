"""What two ends do once the path is open: phones over SIP, or Mumble clients."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Protocol

from lab.calls.paths.base import VoicePath
from lab.calls.voice_streams import VoiceStreams
from lab.calls.workspace import Workspace
from lab.lifecycle.ready import ReadyLab
from lab.measure.record import CallRecord
from lab.wire import places
from lab.wire.codecs import Coding
from lab.wire.playout import FIXED, Playout

"""Where the endpoint image keeps the clip, once per sampling rate."""
OTHER_SPEECH = places.SPEECH / "other-8k.wav"
"""Beside it: another talker, who says something else."""


@dataclass(frozen=True, slots=True)
class CallSite:
    """One call: where it is made, with what, and where its results go."""

    lab: ReadyLab
    coding: Coding
    record: CallRecord
    workspace: Workspace
    playout: Playout = FIXED
    """What both ends hear through."""
    vbr: bool = False
    """Mumble clients: whether the encoder may vary its rate."""

    @property
    def clip(self) -> PurePosixPath:
        """The clip both ends play, as their nodes see it."""
        return places.SPEECH / f"clip-{self.coding.codec.sample_rate_hz // 1000}k.wav"


class Conversation(Protocol):
    """One conversation, from its beginning to its figures.

    It leaves `caller.wav` and `callee.wav` in the call's directory, what each of them heard.
    """

    def __init__(self, site: CallSite) -> None:
        """Nothing is started yet."""

    def at_the_ready(self) -> AbstractContextManager[None]:
        """Start the programs of both ends, which wait for orders; end them with the block."""

    def talk(self, path: VoicePath, duration_s: float) -> None:
        """At the ready, let both play the clip for `duration_s`, over and over, and hear the other.

        LabError where an end cannot even be reached; a conversation that fails is told by
        `note_outcome`.
        """

    def note_outcome(self) -> bool:
        """Write into the record how it ended and what was agreed on; whether it succeeded."""

    def find_streams(self, path: VoicePath) -> VoiceStreams:
        """The voice in both directions, as sent and as received; LabError where it is missing."""

    def note_ratings(self) -> None:
        """Write into the record what playout made of the voice; comes after its delay."""
