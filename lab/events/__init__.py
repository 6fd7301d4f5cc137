"""One stream of what happens: the happenings, and who listens.

`up`, `call`, `experiment`, `link` and `setup` tell what they do to one `Listener`; the progress
on the terminal is one, the journal that `lab events` follows another.
"""

from lab.events.happenings import (
    Began,
    Building,
    CallBegan,
    CallEnded,
    CallInterrupted,
    CallStage,
    CaughtUp,
    CircuitOpened,
    Ended,
    Happening,
    LabFound,
    LabGone,
    LabUp,
    LinkCounters,
    LinkFound,
    LinkShaped,
    Listener,
    NodeState,
    Noted,
    RunAdvanced,
    RunBegan,
    RunEnded,
    both,
    silent,
)

__all__ = [
    "Began",
    "Building",
    "CallBegan",
    "CallEnded",
    "CallInterrupted",
    "CallStage",
    "CaughtUp",
    "CircuitOpened",
    "Ended",
    "Happening",
    "LabFound",
    "LabGone",
    "LabUp",
    "LinkCounters",
    "LinkFound",
    "LinkShaped",
    "Listener",
    "NodeState",
    "Noted",
    "RunAdvanced",
    "RunBegan",
    "RunEnded",
    "both",
    "silent",
]
