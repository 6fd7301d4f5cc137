"""What a node's phone is told, and what it tells of its registration and its calls."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Address
from pathlib import PurePosixPath
from typing import Literal

from lab.wire.codecs import Coding
from lab.wire.messages import Dialogue, Event, Order
from lab.wire.phone_profile import PhoneProfile
from lab.wire.playout import Playout
from lab.wire.ports import SIP_PORT
from lab.wire.voice import Expect, Played, Playing, Received


@dataclass(frozen=True, slots=True)
class SipAccount:
    """Who registers where, and from which address."""

    extension: str
    password: str = field(repr=False)
    pbx_address: IPv4Address
    bind_address: IPv4Address
    """The phone's own address: at home or inside the tunnel, according to the method."""
    tunnelled: bool = False
    """Whether that address is the one inside the tunnel."""
    pbx_port: int = SIP_PORT

    @property
    def pbx(self) -> str:
        """Address and port of the PBX, as in a SIP URI."""
        return f"{self.pbx_address}:{self.pbx_port}"


@dataclass(frozen=True, slots=True)
class Voice:
    """What a phone plays and records in a call; paths are those of its node."""

    clip: PurePosixPath
    """WAV to play, repeated where `duration_s` is longer."""
    record: PurePosixPath
    """WAV to write."""
    duration_s: float
    """How long to play."""
    quiet_s: float = 3.0
    """After so long without a packet the other end is taken to have finished."""


@dataclass(frozen=True, slots=True)
class Register(Order):
    """Register at the PBX, with what is the same in all calls: `Registered`."""

    account: SipAccount
    coding: Coding
    playout: Playout
    vad: bool = False
    """Whether voice activity detection is on: then nothing is sent in pauses."""
    profile: PhoneProfile = PhoneProfile.LAB


@dataclass(frozen=True, slots=True)
class AwaitCall(Order):
    """Answer the next call: `AwaitingCall`."""

    voice: Voice


@dataclass(frozen=True, slots=True)
class Dial(Order):
    """Call an extension of the PBX: `Dialled`."""

    number: str
    voice: Voice


@dataclass(frozen=True, slots=True)
class HangUp(Order):
    """End the call, or the attempt: `Ended` or `Rejected`."""


@dataclass(frozen=True, slots=True)
class Abandon(Order):
    """Give up whatever call there is and be free for another one: `Idle`."""


@dataclass(frozen=True, slots=True)
class Registered(Event):
    """The PBX knows the phone."""

    expires_s: int
    engine: str
    """The telephone program and its version."""


@dataclass(frozen=True, slots=True)
class SipAnswer(Event):
    """What tells of a SIP answer."""

    status: int
    """0 where there was none at all."""
    reason: str

    def __str__(self) -> str:
        return f"{self.status} {self.reason}" if self.status else self.reason


@dataclass(frozen=True, slots=True)
class Unready(SipAnswer):
    """The PBX cannot register anybody yet; it is asked again."""


@dataclass(frozen=True, slots=True)
class AwaitingCall(Event):
    """The next call will be answered."""


@dataclass(frozen=True, slots=True)
class Dialled(Event):
    """The INVITE was sent."""

    number: str


@dataclass(frozen=True, slots=True)
class Incoming(Event):
    """The call came, and is being answered."""

    caller: str
    """A SIP address."""


@dataclass(frozen=True, slots=True)
class Ringing(Event):
    """The other end rings, or is about to."""

    status: int
    after_ms: float


@dataclass(frozen=True, slots=True)
class Confirmed(Event):
    """The call is set up."""

    setup_ms: float
    """Caller: from INVITE to 200; callee: from the INVITE's arrival to the ACK's."""
    sip_call_id: str


@dataclass(frozen=True, slots=True)
class Media(Event):
    """What was negotiated, as the phone's own stream has it."""

    codec: str
    clock_hz: int
    payload_type_tx: int
    payload_type_rx: int | None
    """None is what the engine does not tell; so everywhere."""
    ptime_ms: int
    vad: bool
    remote_rtp: str
    """`address:port` the voice is sent to."""
    playout: Playout


@dataclass(frozen=True, slots=True)
class PacketCounts:
    """A phone's own counters; frames are those of the codec."""

    tx_packets: int
    rx_packets: int
    rx_lost: int
    rx_reordered: int | None
    rx_duplicates: int | None
    rx_discarded: int
    playout_frames_lost: int | None
    """Frames for which nothing came and concealment was played."""
    playout_frames_discarded: int
    playout_frames_empty: int
    """Times the playout found nothing at all, the first filling included."""
    playout_delay_ms_mean: int | None
    playout_delay_ms_max: int | None


@dataclass(frozen=True, slots=True)
class Ended(SipAnswer):
    """The call is over, and the recording is whole on disk."""

    recording_s: float
    counts: PacketCounts


@dataclass(frozen=True, slots=True)
class Rejected(SipAnswer):
    """The PBX or the other phone would not have it."""

    what: Literal["register", "call"]


@dataclass(frozen=True, slots=True)
class Idle(Event):
    """There is no call any more."""


PHONE = Dialogue(
    "phone.phone",
    orders=(Register, AwaitCall, Dial, Expect, HangUp, Abandon),
    events=(
        Registered,
        Unready,
        AwaitingCall,
        Dialled,
        Incoming,
        Ringing,
        Confirmed,
        Media,
        Playing,
        Played,
        Received,
        Ended,
        Rejected,
        Idle,
    ),
)


@dataclass(frozen=True, slots=True)
class PhoneReport:
    """What a phone told of one call; None is what it did not come to."""

    registered: Registered | None = None
    ringing: Ringing | None = None
    confirmed: Confirmed | None = None
    media: Media | None = None
    playing: Playing | None = None
    played: Played | None = None
    received: Received | None = None
    ended: Ended | None = None
    rejected: Rejected | None = None
