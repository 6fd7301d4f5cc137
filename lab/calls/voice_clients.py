"""What two clients of the lab's own do once they hear each other, Mumble's as WebRTC's: they talk.

Their voice is encrypted where it could be captured, so they log it themselves.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lab.calls.end import End
from lab.calls.site import CallSite
from lab.ends import EACH_END
from lab.wire.messages import Event
from lab.wire.playout import ADAPTIVE, FIXED, Playout
from lab.wire.voice import Expect, Played, Playing, Received
from lab.wire.voice_client import Leave, Left, OpusSettings, Recording, Talk

TURN_S = 0.1
"""How long one client is listened to before it is the other's turn."""


@dataclass(frozen=True, slots=True)
class Deadlines:
    """How long each step of a call may take, seconds."""

    start_s: float = 10.0
    late_s: float = 20.0
    """Beyond the length of the call: for a client that stalls, or voice that comes late."""
    finish_s: float = 20.0
    finish_share: float = 0.2
    """Beyond `finish_s`, per second of the call: what was heard is decoded at its end."""


USUAL = Deadlines()


def opus_of(site: CallSite) -> OpusSettings:
    """How both clients of a call encode."""
    coding, plan = site.coding, site.notes.plan
    assert coding.bitrate_kbps
    return OpusSettings(1000 * coding.bitrate_kbps, plan.vbr, coding.ptime_ms, plan.fec)


def talks_of(site: CallSite, opus: OpusSettings, duration_s: float) -> tuple[Talk, Talk]:
    """What the caller's client and the callee's are told to play and to keep."""
    directory = site.workspace.node
    caller, callee = (
        Talk(
            clip=site.clip,
            duration_s=duration_s,
            opus=opus,
            sent_log=directory / f"{end}-sent.csv",
            received_log=directory / f"{end}-received.csv",
            recordings=tuple(
                Recording(
                    directory / f"{end}{ending}.wav", site.coding.codec.sample_rate_hz, playout
                )
                for ending, playout in recordings(site.notes.plan.playout).items()
            ),
        )
        for end in EACH_END
    )
    return caller, callee


def recordings(playout: Playout) -> dict[str, Playout]:
    """Ending of a recording's name → its buffer: the scored one first, then the other kind."""
    other = ("-fixed", FIXED) if playout.adaptive else ("-adaptive", ADAPTIVE)
    return dict([("", playout), other])


def let_talk(
    clients: tuple[End, End],
    talks: tuple[Talk, Talk],
    deadlines: Deadlines,
    began: Callable[[float], None],
) -> None:
    """Have two clients that hear each other talk, and leave; `talks` are in the same order.

    `began` is told when both play, Unix seconds. EndError where one fails, or does not in time
    what it was told.
    """
    caller, callee = clients
    duration_s = talks[0].duration_s
    for client, order in zip(clients, talks, strict=True):
        client.order(order)
    wait_all(clients, Playing, deadlines.start_s)
    began(max(client.wait(Playing, 0).at_s for client in clients))
    wait_all(clients, Played, duration_s + deadlines.late_s)
    caller.order(Expect(callee.wait(Played, 0).packets))
    callee.order(Expect(caller.wait(Played, 0).packets))
    wait_all(clients, Received, deadlines.late_s)
    for client in clients:
        client.order(Leave())
    wait_all(clients, Left, deadlines.finish_s + duration_s * deadlines.finish_share)


def wait_all(clients: Sequence[End], kind: type[Event], timeout_s: float) -> None:
    """Wait until such an event has come from all; whichever fails first is the reason."""
    deadline = time.monotonic() + timeout_s
    pending = list(clients)
    while pending:
        pending = [client for client in pending if not client.has(kind, TURN_S)]
        if pending and time.monotonic() >= deadline:
            raise pending[0].silence(kind, timeout_s)
