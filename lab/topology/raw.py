"""What a user writes in a topology file, before anything is decided.

The descriptions here become the JSON Schema that editors show (`lab schema`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Network
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from lab.places.cities import place_named
from lab.places.distance import STRETCH
from lab.roles import ROLES
from lab.topology.mistakes import did_you_mean, listed
from lab.topology.names import NAME_PATTERN
from lab.topology.units import (
    DELAY_PATTERN,
    DURATION_PATTERN,
    PERCENT_PATTERN,
    RATE_PATTERN,
    parse_delay_ms,
    parse_duration_s,
    parse_percent,
    parse_rate_kbps,
)


def _address(value: object) -> IPv4Address:
    try:
        return IPv4Address(value if isinstance(value, str) else "")
    except ValueError:
        raise ValueError("is not an IPv4 address, such as 10.20.0.5") from None


def _subnet(value: object) -> IPv4Network:
    if isinstance(value, str) and "/" in value:
        try:
            return IPv4Network(value)
        except ValueError:
            pass
    raise ValueError(
        "is not an IPv4 subnet, such as 10.20.0.0/24 (no bit of the host part may be set)"
    )


def _extension(value: object) -> str:
    text = str(value) if type(value) is int else value
    if not isinstance(text, str) or not re.fullmatch(r"[0-9]{2,8}", text, re.ASCII):
        raise ValueError("is not an extension; write two to eight digits, such as 1001")
    return text


def _role(value: object) -> str:
    known = written_roles()
    if not isinstance(value, str) or value not in known:
        raise ValueError(f"is not one of {', '.join(known)}{did_you_mean(str(value), known)}")
    return value


def written_roles() -> list[str]:
    """The roles that a user may write."""
    return [role.name for role in ROLES if role.is_written]


def guest_roles() -> list[str]:
    """Those of them whose nodes may run on another node's machine."""
    return [role.name for role in ROLES if role.is_written and role.is_guest]


def roles_with_key(key: str) -> list[str]:
    """The roles whose nodes may have `key`, one of those that are not for every role."""
    return [role.name for role in ROLES if key in role.keys]


def _describe_role(schema: dict[str, Any]) -> None:
    roles = [ROLES.all[name] for name in written_roles()]
    schema["enum"] = [role.name for role in roles]
    schema["description"] += f": {', '.join(f'{r.name} ({r.description})' for r in roles)}."


def _only_for(roles: Callable[[], list[str]]) -> Callable[[dict[str, Any]], None]:
    """Lets the description of a key tell for which roles it is."""

    def describe(schema: dict[str, Any]) -> None:
        schema["description"] += f" (only for {listed(roles(), 'and')})."

    return describe


def _describe_forwards(schema: dict[str, Any]) -> None:
    roles = [role.name for role in ROLES if role.is_written and role.forwards]
    schema["description"] += f"; where it is not written, {listed(roles, 'and')} do."


def _key(name: str, default: Any) -> Any:
    """A key that is only for the roles that name it."""
    return Field(default=default, json_schema_extra=_only_for(lambda: roles_with_key(name)))


def _schema(example: str, pattern: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": pattern, "examples": [example]})


def _place_name(value: object) -> str:
    return place_named(value if isinstance(value, str) else repr(value)).name


PlaceName = Annotated[
    str,
    BeforeValidator(_place_name),
    WithJsonSchema({"type": "string", "examples": ["Sydney"]}),
]
RateKbps = Annotated[int, BeforeValidator(parse_rate_kbps), _schema("100mbit", RATE_PATTERN)]
DurationS = Annotated[int, BeforeValidator(parse_duration_s), _schema("10s", DURATION_PATTERN)]
DelayMs = Annotated[float, BeforeValidator(parse_delay_ms), _schema("20ms", DELAY_PATTERN)]
Percent = Annotated[float, BeforeValidator(parse_percent), _schema("0.5%", PERCENT_PATTERN)]
Address = Annotated[
    IPv4Address,
    BeforeValidator(_address),
    WithJsonSchema({"type": "string", "format": "ipv4"}),
]
Subnet = Annotated[
    IPv4Network,
    BeforeValidator(_subnet),
    _schema("10.20.0.0/24", r"^([0-9]{1,3}\.){3}[0-9]{1,3}/[0-9]{1,2}$"),
]
Extension = Annotated[
    str,
    BeforeValidator(_extension),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 10, "maximum": 99_999_999},
                {"type": "string", "pattern": "^[0-9]{2,8}$"},
            ]
        }
    ),
]
Codec = Literal[
    "PCMU",
    "PCMA",
    "GSM",
    "ILBC",
    "SPEEX",
    "SPEEX-WB",
    "G722",
    "OPUS",
    "L16-16",
    "L16-32",
    "L16-48",
]
"""The names of `lab.wire.codecs`."""
_CODECS: list[Codec] = [codec for codec in get_args(Codec) if codec != "ILBC"]
"""Few images of FreeSWITCH have the module for iLBC."""

_NAMED: dict[str, Any] = {"propertyNames": {"pattern": NAME_PATTERN}}


class RawModel(BaseModel):
    """Strict: no unknown keys, no silent conversions."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        use_attribute_docstrings=True,
        model_title_generator=lambda model: model.__name__.removeprefix("Raw").lower(),
        field_title_generator=lambda name, info: info.alias or name,
    )


class RawQueue(RawModel):
    """The queue of a capped link; what finds it full is dropped."""

    kind: Literal["htb", "tbf"] = "htb"
    """The queueing discipline that holds the rate."""
    fifo: Literal["pfifo", "bfifo"] | None = None
    """What its length counts, packets or bytes; by default what the length is given in."""
    packets: int | None = Field(default=None, ge=1, le=1_000_000)
    """The length of a pfifo; 200 where no length is given."""
    bytes: int | None = Field(default=None, ge=1514, le=1_000_000_000)
    """The length of a bfifo: one Ethernet frame (1514) at least."""


class RawShape(RawModel):
    """What a link does to the packets of one direction."""

    rate_kbps: RateKbps | None = Field(default=None, alias="rate")
    """The cap (100mbit, 512kbit), at Ethernet level; uncapped if absent."""
    queue: RawQueue | None = None
    """The queue in front of the cap; 200 packets behind htb if absent."""
    delay_ms: DelayMs = Field(default=0.0, alias="delay", json_schema_extra={"default": "0ms"})
    """How long every packet is on the way behind the cap (20ms)."""
    jitter_ms: DelayMs = Field(default=0.0, alias="jitter", json_schema_extra={"default": "0ms"})
    """The standard deviation of the delay (5ms)."""
    distribution: Literal["normal", "uniform", "pareto"] = "normal"
    """How the delay scatters; pareto's is only longer, with a heavy tail."""
    loss_pct: Percent = Field(default=0.0, alias="loss", json_schema_extra={"default": "0%"})
    """The share of packets lost at random on the way (0.5%)."""
    reorder: bool = False
    """Whether a packet whose delay is short may pass another one."""


class RawLink(RawShape):
    """A node's attachment to a network; rate, queue, delay and loss are for what it sends."""

    address: Address | None = None
    """The node's address here; only where the network has a fixed `subnet`."""
    receives: RawShape | None = Field(default=None, alias="in")
    """The same for what the node receives here; not shaped if absent."""


class RawNetwork(RawModel):
    """A network of the lab."""

    subnet: Subnet | None = None
    """A private subnet of your own choice; by default one of the lab's block is taken."""
    distances: bool = False
    """Whether its members are as far apart as their places."""


class RawNode(RawModel):
    """A machine of the lab, or a program that runs on one."""

    role: Annotated[str, BeforeValidator(_role)] = Field(json_schema_extra=_describe_role)
    """What the node does"""
    links: dict[str, RawLink | None] = Field(default={}, json_schema_extra=_NAMED)
    """The networks the node is attached to, by name."""
    place: PlaceName | None = None
    """The city it stands in (`lab places`): its distance to others on networks with `distances`."""
    on: str | None = Field(default=None, json_schema_extra=_only_for(guest_roles))
    """The machine on which this node runs, in place of links of its own"""
    extension: Extension | None = _key("extension", None)
    """The number under which the phone registers"""
    tor: bool = _key("tor", False)
    """Runs a Tor client"""
    vpn: bool = _key("vpn", False)
    """Runs a VPN client"""
    authority: bool = _key("authority", False)
    """Is the directory authority as well, as exactly one node is"""
    forwards: bool | None = Field(default=None, json_schema_extra=_describe_forwards)
    """Whether it routes packets for others"""

    @property
    def does_forward(self) -> bool:
        """Whether packets of others may cross this node."""
        if self.forwards is not None:
            return self.forwards
        return ROLES.all[self.role].forwards


class RawDistance(RawModel):
    """A pair of places for which the formula does not hold."""

    between: list[PlaceName] = Field(min_length=2, max_length=2)
    """The two places."""
    delay_ms: DelayMs = Field(alias="delay")
    """How long a packet takes from one to the other, one way (75ms)."""


class RawDistances(RawModel):
    """How long packets take between places: great circle x stretch / light in fibre."""

    stretch: float = Field(default=STRETCH, ge=1, le=10, strict=False)
    """How much longer than the great circle what they go through is."""
    pairs: list[RawDistance] = []
    """Pairs that were measured, say."""


class RawVpn(RawModel):
    """The OpenVPN tunnel; the defaults are those of OpenVPN 2.6."""

    cipher: str = Field(default="AES-256-GCM", pattern=r"^[A-Za-z0-9-]{1,40}$")
    """The cipher of the data channel (`--data-ciphers`), or none."""
    digest: str = Field(default="SHA1", pattern=r"^[A-Za-z0-9-]{1,40}$")
    """The HMAC of the data channel (`--auth`), or none; without effect under a GCM cipher."""
    port: int = Field(default=1194, ge=1, le=65535)
    """The TCP port of the server."""


class RawTor(RawModel):
    """The private Tor network."""

    voting_interval_s: DurationS = Field(
        default=10, alias="voting_interval", json_schema_extra={"default": "10s"}
    )
    """How often the authority makes a consensus: 10s to 30m, and it must divide 30m."""
    circuit: list[str] = []
    """The relays a call goes through, guard first; empty: chosen from the seed of each run."""


class RawTopology(RawModel):
    """A topology of the voice-over-Tor lab."""

    name: str = Field(json_schema_extra={"pattern": NAME_PATTERN})
    """Lowercase letters, digits and hyphens, at most 30 characters."""
    description: str = Field(default="", max_length=2000)
    """What the topology is for."""
    pbx: Literal["auto", "freeswitch", "kamailio"] = "auto"
    """The telephone exchange; auto takes FreeSWITCH where its image is available."""
    codecs: list[Codec] = Field(default=_CODECS, min_length=1)
    """What the exchange lets through, in order of preference; all but iLBC where it is absent."""
    congestion_control: str = Field(default="cubic", pattern=r"^[a-z][a-z0-9_]{0,14}$")
    """The TCP congestion control of every node: cubic, reno, bbr or another the kernel has."""
    vpn: RawVpn = Field(default_factory=RawVpn)
    """The OpenVPN tunnel."""
    tor: RawTor = Field(default_factory=RawTor)
    """The private Tor network."""
    distances: RawDistances = Field(default_factory=RawDistances)
    """How far places are apart, on networks with `distances`."""
    networks: dict[str, RawNetwork | None] = Field(json_schema_extra=_NAMED)
    """The networks, by name; each is one bridge of Docker."""
    nodes: dict[str, RawNode] = Field(json_schema_extra=_NAMED)
    """The nodes, by name; each is one container."""

    @property
    def fixed_subnets(self) -> dict[str, IPv4Network]:
        """The subnets that the user fixed, by network."""
        return {
            name: network.subnet
            for name, network in self.networks.items()
            if network is not None and network.subnet is not None
        }


def topology_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a topology file."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **RawTopology.model_json_schema(),
    }
