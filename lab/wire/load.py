"""What the programs that make and count competing traffic are told, and what they tell.

Each is given one order that says what to carry, and from then on tells `Running` once all of it
flows, or `Failed` where a stream has ended before; `Take` is answered with a `LoadReport`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import PurePosixPath

from lab.wire.messages import Dialogue, Event, Order
from lab.wire.mumble import MumbleServer
from lab.wire.voice_client import OpusSettings


@dataclass(frozen=True, slots=True)
class Take(Order):
    """Tell what was seen since this was ordered last: `LoadReport`."""


@dataclass(frozen=True, slots=True)
class Running(Event):
    """All streams are connected and flow, and their sum has settled.

    What has had long enough for that need only take turns.
    """

    after_s: float


@dataclass(frozen=True, slots=True)
class Sample:
    """All streams at one moment."""

    at_s: float
    """Unix seconds."""
    connected: int
    """How many are."""
    carried_bytes: tuple[int, ...]
    """Payload so far, of each or of all together; never less than before."""


@dataclass(frozen=True, slots=True)
class Death:
    """A stream that ended by itself."""

    stream: int
    at_s: float
    reason: str


@dataclass(frozen=True, slots=True)
class Lateness:
    """How late packets left; None where none was due."""

    p99_ms: float | None
    max_ms: float | None


@dataclass(frozen=True, slots=True)
class LoadReport(Event):
    """What was seen of a load over some time."""

    samples: tuple[Sample, ...]
    """The first is the last one of the time before."""
    died: tuple[Death, ...] = ()
    sent_bytes: int | None = None
    """Payload sent meanwhile towards where it is counted; None where nobody tells."""
    lateness: Lateness | None = None
    """Of paced senders; None for loads that keep no pace."""
    retried: int | None = None
    """Fetches that failed meanwhile and are made again; None for loads that end with one."""


_EVENTS = (Running, LoadReport)


@dataclass(frozen=True, slots=True)
class Transfer(Order):
    """Run endless transfers by wget, each over its own connection."""

    count: int
    url: str
    upload: PurePosixPath | None
    """The file that is sent over and over, made first; None: the URL is fetched."""
    socks_port: int | None
    """Of Tor, through which each has a circuit of its own; None: straight."""
    spacing_s: float
    """Between two starts; so everywhere."""


TRANSFERS = Dialogue("load.transfers", (Transfer, Take), _EVENTS)


@dataclass(frozen=True, slots=True)
class Habits:
    """How other users of Tor go on: each fetches a file, pauses, and fetches the next."""

    sizes_bytes: tuple[int, ...]
    """Of the files."""
    shares: tuple[float, ...]
    """How often each size is drawn, beside the others."""
    pause_mean_s: float
    """Of pauses, which are distributed exponentially."""


@dataclass(frozen=True, slots=True)
class Browse(Order):
    """Be users of Tor who fetch parts of a file that never ends, as long as there are orders."""

    users: tuple[IPv4Address, ...]
    """The node's own address from which each connects to Tor."""
    server: IPv4Address
    port: int
    path: str
    socks_port: int
    habits: Habits
    seed: int
    """Of every user's sizes and pauses."""
    spacing_s: float


BACKGROUND = Dialogue("load.background", (Browse, Take), _EVENTS)


@dataclass(frozen=True, slots=True)
class CountArrivals(Order):
    """Count what comes over connections to a port that begin from now on: `Counting`."""

    count: int
    port: int


@dataclass(frozen=True, slots=True)
class Counting(Event):
    """Whatever connects now is counted."""


ARRIVALS = Dialogue("load.arrivals", (CountArrivals, Take), (Counting, *_EVENTS))


@dataclass(frozen=True, slots=True)
class CallEnds:
    """Where one competing call goes, and where it says that it comes from."""

    called: IPv4Address
    caller: IPv4Address


@dataclass(frozen=True, slots=True)
class TunnelClient:
    """The client's end of a competing call's own tunnel."""

    device: str
    files: Mapping[str, str]
    """Name → text; `client.conf` is to be run in their directory."""


@dataclass(frozen=True, slots=True)
class MakeCalls(Order):
    """Make G.711 calls by SIPp, straight or each in its own tunnel: `TunnelsUp` if there are any.

    With tunnels voice is counted for each call, without for all together.
    """

    calls: tuple[CallEnds, ...]
    spacing_s: float
    tunnels: tuple[TunnelClient, ...] = ()
    """None, or one for each call; all are opened before the calls begin."""
    socks_port: int | None = None
    """Of Tor, through which each tunnel has a circuit of its own."""


@dataclass(frozen=True, slots=True)
class TunnelsUp(Event):
    """All tunnels carry packets, and the calls begin."""

    after_s: float


CALLS = Dialogue("load.calls", (MakeCalls, Take), (TunnelsUp, *_EVENTS))


@dataclass(frozen=True, slots=True)
class AnswerCalls(Order):
    """Answer any number of G.711 calls by SIPp: `Answering`."""


@dataclass(frozen=True, slots=True)
class Answering(Event):
    """Calls are answered."""


ANSWERER = Dialogue("load.answerer", (AnswerCalls,), (Answering,))


@dataclass(frozen=True, slots=True)
class TalkMumble(Order):
    """Be one end of many Mumble calls.

    Client i is called `<end>-<token>-<i>` and talks with `<peer>-<token>-<i>` in a channel of
    their own.
    """

    count: int
    end: str
    peer: str
    token: str
    server: MumbleServer
    creates: bool
    """Whether it opens the channels, with its node's own certificate, or waits for them."""
    socks_port: int | None
    """Of Tor, through which each client has a circuit of its own; None: straight."""
    clip: PurePosixPath
    opus: OpusSettings
    spacing_s: float


MUMBLE_CALLS = Dialogue("load.mumble_calls", (TalkMumble, Take), _EVENTS)
