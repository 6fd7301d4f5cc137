"""What a user writes in an experiment file, before anything is decided.

The descriptions here become the JSON Schema that editors show (`lab schema experiment`).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from lab.calls.methods import METHODS
from lab.load.kinds import LOAD_KINDS
from lab.sweep.point import Direction, Placement, Through
from lab.topology.mistakes import did_you_mean
from lab.topology.raw import NAME_PATTERN, Codec, RawModel, is_name
from lab.topology.units import DURATION_PATTERN, RATE_PATTERN, parse_call_s, parse_rate_kbps
from lab.wire.codecs import CODECS
from lab.wire.playout import PLAYOUT_PATTERN, Playout, parse_playout

NONE = "none"
UNCAPPED = "uncapped"
USUAL = "usual"
ONCE = "once"
PTIMES = {
    f"{ptime_ms}ms": ptime_ms
    for ptime_ms in sorted({time for codec in CODECS.values() for time in codec.ptimes_ms})
}
"""Every packetisation that some codec has, as it is written."""
MAX_NAME_LENGTH = 14
"""Runs are named after their experiment, and labs side by side after their run."""


def _rate(value: object) -> int | None:
    return None if value == UNCAPPED else parse_rate_kbps(value)


def _bitrate(value: object) -> int | None:
    return None if value == USUAL else parse_rate_kbps(value)


def _ptime(value: object) -> int | None:
    if value == USUAL:
        return None
    if value not in PTIMES:
        raise ValueError(f"is no packetisation; write one of {', '.join(PTIMES)}")
    return PTIMES[str(value)]


def _playout(value: object) -> Playout | None:
    return None if value == USUAL else parse_playout(value)


def _call_s(value: object) -> int | None:
    return None if value == ONCE else parse_call_s(value)


def _method(name: str) -> str:
    if name not in METHODS:
        raise ValueError(f"is not a method; methods are {', '.join(METHODS.all)}")
    return name


def _kind(name: str) -> str:
    if name not in (NONE, *LOAD_KINDS.all):
        known = [NONE, *LOAD_KINDS.all]
        raise ValueError(f"is not one of {', '.join(known)}{did_you_mean(name, known)}")
    return name


def _name(name: str) -> str:
    if not is_name(name) or len(name) > MAX_NAME_LENGTH:
        raise ValueError(
            "cannot be a name; write lowercase letters, digits and hyphens, at most "
            f"{MAX_NAME_LENGTH}, beginning with a letter"
        )
    return name


Name = Annotated[
    str,
    AfterValidator(_name),
    WithJsonSchema({"type": "string", "pattern": NAME_PATTERN, "maxLength": MAX_NAME_LENGTH}),
]
Rate = Annotated[
    int | None,
    BeforeValidator(_rate),
    WithJsonSchema(
        {"anyOf": [{"const": UNCAPPED}, {"type": "string", "pattern": RATE_PATTERN}]},
    ),
]
Bitrate = Annotated[
    int | None,
    BeforeValidator(_bitrate),
    WithJsonSchema({"anyOf": [{"const": USUAL}, {"type": "string", "pattern": RATE_PATTERN}]}),
]
Ptime = Annotated[int | None, BeforeValidator(_ptime), WithJsonSchema({"enum": [USUAL, *PTIMES]})]
PlayoutBuffer = Annotated[
    Playout | None,
    BeforeValidator(_playout),
    WithJsonSchema(
        {"anyOf": [{"const": USUAL}, {"type": "string", "pattern": f"^{PLAYOUT_PATTERN}$"}]}
    ),
]
CallS = Annotated[
    int | None,
    BeforeValidator(_call_s),
    WithJsonSchema({"anyOf": [{"const": ONCE}, {"type": "string", "pattern": DURATION_PATTERN}]}),
]


class _EveryMethod:
    """The schema of a method's name: those there are when the schema is made."""

    def __get_pydantic_json_schema__(self, _schema: Any, _handler: Any) -> dict[str, Any]:
        return {"enum": list(METHODS.all)}


class _EveryKind:
    """The schema of a kind of load: none, and those there are when the schema is made."""

    def __get_pydantic_json_schema__(self, _schema: Any, _handler: Any) -> dict[str, Any]:
        told = [f"{kind.name}: {kind.explanation}" for kind in LOAD_KINDS]
        return {"enum": [NONE, *LOAD_KINDS.all], "description": "; ".join([NONE, *told]) + "."}


Method = Annotated[str, AfterValidator(_method), _EveryMethod()]
Kind = Annotated[str, AfterValidator(_kind), _EveryKind()]
Count = Annotated[int, Field(ge=0, le=1000)]
Fitted = Literal["rate", "placement", "queue", "playout", "vpn"]
Packets = Annotated[int, Field(ge=2, le=100_000)]


class RawLoad(RawModel):
    """Traffic that competes with the call."""

    kind: Kind
    count: list[Count] = Field(default=[])
    """How many at once; each is a point of its own. 0 is the call alone."""
    through: Through = "tor"
    """Whether the competing traffic takes Tor as well, or goes straight over the shared link."""


class RawVariant(RawModel):
    """How OpenVPN protects the data channel."""

    cipher: str = Field(pattern=r"^[A-Za-z0-9-]{1,40}$")
    """The cipher (`--data-ciphers`), or none."""
    digest: str = Field(default="SHA1", pattern=r"^[A-Za-z0-9-]{1,40}$")
    """The HMAC (`--auth`), or none; without effect under a GCM cipher."""


class RawGrid(RawModel):
    """What is varied: every combination is a point."""

    method: list[Method] = Field(min_length=1)
    """How voice travels."""
    codec: list[Codec] = Field(default=["PCMU"], min_length=1)
    """The codec both phones offer; a method that has none of that name uses its own."""
    bitrate_kbps: list[Bitrate] = Field(default=[None], min_length=1, alias="bitrate")
    """The bit rate of codecs that take one (OPUS: 6kbit to 256kbit), or usual; others: theirs."""
    ptime_ms: list[Ptime] = Field(default=[None], min_length=1, alias="ptime")
    """Voice in a packet (20ms, 40ms, 60ms), or usual: the codec's own."""
    duration_s: list[CallS] = Field(default=[None], min_length=1, alias="duration")
    """How long both ends talk (30s, 2m, 4m): the clip is repeated, or cut; once: its own length."""
    playout: list[PlayoutBuffer] = Field(default=[None], min_length=1)
    """The buffer before the ear (fixed:60, adaptive:60, its depth in ms), or usual: fixed:200."""
    direction: list[Direction] = Field(default=["to-callee"], min_length=1)
    """Which way the scored voice and the competing traffic flow."""
    rate_kbps: list[Rate] = Field(default=[None], min_length=1, alias="rate")
    """The cap on the shared link (10mbit), or uncapped: the topology's own rates."""
    placement: list[Placement] = Field(default=["server"], min_length=1)
    """Where the cap sits: server (its own egress), access, relay or router."""
    queue_packets: list[Packets] = Field(default=[200], min_length=1, alias="queue")
    """Length of the queue at the cap, packets."""
    load: list[RawLoad] = Field(default=[RawLoad(kind="none")], min_length=1)
    """The competing traffic."""
    vpn: list[RawVariant] = Field(default=[])
    """Ciphers and digests to vary; absent: the topology's own."""


class RawQuickGrid(RawModel):
    """Lists that replace those of the grid in a quick run."""

    method: list[Method] | None = None
    """How voice travels."""
    codec: list[Codec] | None = None
    """The codec both phones offer."""
    bitrate_kbps: list[Bitrate] | None = Field(default=None, alias="bitrate")
    """The bit rate of codecs that take one."""
    ptime_ms: list[Ptime] | None = Field(default=None, alias="ptime")
    """Voice in a packet."""
    duration_s: list[CallS] | None = Field(default=None, alias="duration")
    """How long both ends talk."""
    playout: list[PlayoutBuffer] | None = None
    """The buffer before the ear."""
    direction: list[Direction] | None = None
    """Which way the scored voice and the competing traffic flow."""
    rate_kbps: list[Rate] | None = Field(default=None, alias="rate")
    """The cap on the shared link."""
    placement: list[Placement] | None = None
    """Where the cap sits."""
    queue_packets: list[Packets] | None = Field(default=None, alias="queue")
    """Length of the queue at the cap, packets."""
    load: list[RawLoad] | None = None
    """The competing traffic."""
    vpn: list[RawVariant] | None = None
    """Ciphers and digests to vary."""


class RawQuick(RawModel):
    """What `--quick` changes."""

    calls: int | None = Field(default=None, ge=1, le=1000)
    """Valid calls wanted at each point."""
    grid: RawQuickGrid = Field(default_factory=RawQuickGrid)
    """Lists that replace those of the grid."""


class RawExperiment(RawModel):
    """An experiment of the voice-over-Tor lab."""

    name: Name
    """Lowercase letters, digits and hyphens, at most 14 characters; runs are named after it."""
    description: str = Field(default="", max_length=2000)
    """What the experiment is for."""
    paper_table: Literal[1, 2, 3] | None = None
    """The table of the paper beside which the report sets the results."""
    topology: str = "paper"
    """A shipped topology, or the path of one relative to this file."""
    seed: int = Field(default=1, ge=0, le=2**31 - 1)
    """Decides the order of calls and their circuits; stored with the run."""
    calls: int = Field(default=10, ge=1, le=1000)
    """Valid calls wanted at each point."""
    attempts: int = Field(default=3, ge=1, le=20)
    """At most so many times `calls` are made at a point, invalid and failed ones included."""
    precision_mos: float | None = Field(default=None, gt=0, le=2, alias="precision")
    """Call on at a point, as far as `attempts` allow, until the 95 % confidence interval of its
    mean PESQ is no wider than ± this; absent: `calls` valid ones are enough. Not in quick runs."""
    fit: list[Fitted] = Field(default=[])
    """What in the grid was chosen after seeing results; the report calls it a fit."""
    grid: RawGrid
    """What is varied."""
    quick: RawQuick = Field(default_factory=RawQuick)
    """How the short version, `lab experiment run --quick`, differs."""


def experiment_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of an experiment file."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **RawExperiment.model_json_schema(),
    }
