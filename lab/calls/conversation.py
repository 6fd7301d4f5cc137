"""What two ends do once the path is open: phones over SIP, or Mumble clients."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from lab.calls.site import CallSite
from lab.measure.call.path import VoicePath


class Conversation(Protocol):
    """One conversation, from its programs' start to their end.

    It leaves `caller.wav` and `callee.wav` in the call's directory, what each of them heard, and
    in the notes what their programs told.
    """

    def __init__(self, site: CallSite) -> None:
        """Nothing is started yet."""

    def at_the_ready(self) -> AbstractContextManager[None]:
        """Start the programs of both ends, which wait for orders; end them with the block."""

    def talk(self, path: VoicePath, duration_s: float) -> None:
        """At the ready, let both play the clip for `duration_s`, over and over, and hear the other.

        A conversation that fails is told in the notes; LabError where an end cannot even be
        reached.
        """

    def end(self) -> None:
        """Let both programs take their leave, while the path is still open, and end."""
