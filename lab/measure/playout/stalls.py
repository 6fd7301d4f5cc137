"""The ledger of stalls: every gap in what was heard, what made it, and how it was concealed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from lab.measure.playout.playing import Heard, PlayedVoice

LATE, LOST, LEFT_OUT = "late", "lost", "left out"


@dataclass(frozen=True, slots=True)
class Stall:
    """A stretch in which nothing of the voice was played."""

    at_s: float
    """Since the first packet came."""
    ms: float
    cause: str
    """`late`: frames came when their turn was over; `lost`: they never came; `late and lost`;
    `left out`: all were there, and the buffer made its delay shorter."""
    late_ms: float
    """Voice whose turn came before it did."""
    lost_ms: float
    """Voice that never came."""
    dry: bool
    """Whether the buffer had run dry, so that all that followed was heard later."""
    concealed_ms: float
    """Of the stretch: filled with what concealment made up; the rest was silence."""

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Ledger:
    """The stalls of what one end heard."""

    playout: str
    """The buffer it was heard through."""
    stalls: tuple[Stall, ...]
    late_pct: float
    """Of the frames that came: those that had not when their turn was."""

    @property
    def ms_total(self) -> float:
        """How long nothing of the voice was played."""
        return sum(stall.ms for stall in self.stalls)

    @property
    def ms_max(self) -> float:
        """The longest stall; 0 without any."""
        return max((stall.ms for stall in self.stalls), default=0.0)

    def to_dict(self) -> dict[str, Any]:
        """Totals, then every stall."""
        return {
            "playout": self.playout,
            "stalls": len(self.stalls),
            "stall_ms_total": self.ms_total,
            "stall_ms_max": self.ms_max,
            "late_pct": self.late_pct,
            "ledger": [stall.to_dict() for stall in self.stalls],
        }


def ledger(played: PlayedVoice, playout: str, spoken_ms: float | None = None) -> Ledger:
    """Every stall between the first frame that was heard and the last.

    What the talker left out is none, and does not count in one.

    What was to be heard after `spoken_ms` of media time is no part of the call. A frame is late
    where its turn came before it did: while a dry buffer puts all off, turns go on in the order
    of before.
    """
    voice = played.voice
    came = dict(zip(voice.index.tolist(), voice.arrival_ns.tolist(), strict=True))
    end = None if spoken_ms is None else int(spoken_ms / voice.frame_ms)
    heard = np.array([each is Heard.FRAME for each in played.heard])
    rows = np.flatnonzero(heard)
    stalls, late = [], set()
    begun_ns = int(voice.arrival_ns.min())
    for row, then in zip(rows[:-1].tolist(), rows[1:].tolist(), strict=True):
        before, after = int(played.index[row]), int(played.index[then])
        if then - row == 1 or (end is not None and before + 1 >= end):
            continue
        stretch = range(row + 1, then)
        missing, lost = _judged(played, came, before, after, stretch)
        late |= missing
        silent = sum(index in voice.unsent for index in range(before + 1, after))
        if silent and not missing and not lost and silent + 1 >= after - before:
            continue
        stalls.append(
            Stall(
                at_s=(int(played.at_ns[row + 1]) - begun_ns) / 1e9,
                ms=float(max(1, len(stretch) - silent) * voice.frame_ms),
                cause=_cause(len(missing), lost),
                late_ms=float(len(missing) * voice.frame_ms),
                lost_ms=float(lost * voice.frame_ms),
                dry=any(int(played.index[number]) < 0 for number in stretch),
                concealed_ms=float(
                    sum(played.heard[number] is Heard.CONCEALED for number in stretch)
                    * voice.frame_ms
                ),
            )
        )
    counted = [index for index in came if end is None or index < end]
    return Ledger(playout, tuple(stalls), 100 * len(late) / len(counted) if counted else 0.0)


def _judged(
    played: PlayedVoice, came: dict[int, int], before: int, after: int, stretch: Sequence[int]
) -> tuple[set[int], int]:
    """The frames that were late in a stall between two that were heard, and how many never came."""
    late, lost = set(), 0
    for number, index in enumerate(range(before + 1, max(after, before + 1 + len(stretch)))):
        at_ns = int(played.at_ns[stretch[min(number, len(stretch) - 1)]])
        if index not in came:
            # Beyond what was skipped, what did not come has its turn yet.
            lost += index < after and index not in played.voice.unsent
        elif number < len(stretch) and came[index] > at_ns:
            late.add(index)
    return late, lost


def _cause(late: int, lost: int) -> str:
    if late and lost:
        return f"{LATE} and {LOST}"
    return LATE if late else LOST if lost else LEFT_OUT
