"""One stream of what happens: the happenings, and who listens.

`up`, `call`, `experiment`, `link` and `setup` tell what they do to one `Listener`; the progress
on the terminal is one.
"""

from lab.events.happenings import (
    Began,
    Building,
    CallBegan,
    CallEnded,
    CallInterrupted,
    CallStage,
    Ended,
    Happening,
    Listener,
    Noted,
    RunAdvanced,
    RunBegan,
    RunEnded,
    silent,
)

__all__ = [
    "Began",
    "Building",
    "CallBegan",
    "CallEnded",
    "CallInterrupted",
    "CallStage",
    "Ended",
    "Happening",
    "Listener",
    "Noted",
    "RunAdvanced",
    "RunBegan",
    "RunEnded",
    "silent",
]
