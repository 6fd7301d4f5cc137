"""The voice of a call, however it was observed."""

from __future__ import annotations

from dataclasses import dataclass

from lab.measure.rtp import Stream


@dataclass(frozen=True, slots=True)
class VoiceStreams:
    """The four streams of a call: both directions, each as sent and as received."""

    from_caller: Stream
    at_callee: Stream
    from_callee: Stream
    at_caller: Stream
