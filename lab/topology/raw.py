"""What a user writes in a topology file, before anything is decided.

The descriptions here become the JSON Schema that editors show (`lab schema`).
"""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Network
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from lab.places.cities import PLACES
from lab.places.distance import STRETCH
from lab.roles import ROLES
from lab.roles.relay import CIRCUIT_HOPS, HOPS
from lab.topology.mistakes import did_you_mean, listed
from lab.topology.model import HERE
from lab.topology.names import NAME_PATTERN
from lab.topology.tor import PARAMETER_PATTERN
from lab.topology.units import parse_rate_kbps
from lab.topology.values import (
    Address,
    Codec,
    DelayMs,
    DurationS,
    EngineAddress,
    Extension,
    Percent,
    PlaceName,
    RateKbps,
    Subnet,
    TorVersionName,
)
from lab.tor_versions import DEFAULT


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


_CODECS: list[Codec] = [codec for codec in get_args(Codec) if codec != "ILBC"]
"""Few images of FreeSWITCH have the module for iLBC."""

_NAMED: dict[str, Any] = {"propertyNames": {"pattern": NAME_PATTERN}}

MAX_ADDRESSES = 200
"""Nodes on one network, and so relays by the number."""


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


class RawHost(RawModel):
    """A host on whose Docker engine nodes of the lab run."""

    engine: EngineAddress | None = None
    """Its engine, `ssh://you@host` or `unix:///path`; not of `here`, whose engine `docker` uses."""
    underlay: Address
    """Its own address, to which the other hosts send the lab's packets (VXLAN, UDP 4789)."""
    mtu: int = Field(default=1500, ge=1280, le=65535)
    """The largest packet that goes from it to the other hosts, bytes."""


class RawNode(RawModel):
    """A machine of the lab, or a program that runs on one."""

    role: Annotated[str, BeforeValidator(_role)] = Field(json_schema_extra=_describe_role)
    """What the node does"""
    links: dict[str, RawLink | None] = Field(default={}, json_schema_extra=_NAMED)
    """The networks the node is attached to, by name."""
    place: PlaceName | None = None
    """The city it stands in (`lab places`): its distance to others on networks with `distances`."""
    host: str = HERE
    """The host on which it runs, one of `hosts`."""
    on: str | None = Field(default=None, json_schema_extra=_only_for(guest_roles))
    """The machine on which this node runs, in place of links of its own"""
    extension: Extension | None = _key("extension", None)
    """The number under which the phone registers"""
    tor: bool = _key("tor", False)
    """Runs a Tor client"""
    bridges: list[str] = _key("bridges", [])
    """The bridges by which its Tor client enters the network, and by nothing else"""
    vpn: bool = _key("vpn", False)
    """Runs a VPN client"""
    transport: Literal["vanilla", "obfs4"] | None = _key("transport", None)
    """How clients speak to it: Tor's own protocol as it is (where nothing is written), or obfs4"""
    onion: bool = _key("onion", False)
    """Is an onion service as well, by a Tor of its own"""
    authority: bool = _key("authority", False)
    """Is the directory authority as well, as exactly one node is"""
    tor_version: TorVersionName | None = _key("tor_version", None)
    """The version of its Tor, if not the network's"""
    bandwidth_rate: RateKbps | None = _key("bandwidth_rate", None)
    """How much its Tor relays in each direction on average (BandwidthRate, 10mbit)"""
    bandwidth_burst: RateKbps | None = _key("bandwidth_burst", None)
    """How much of it in a burst of one second (BandwidthBurst); by default the same"""
    forwards: bool | None = Field(default=None, json_schema_extra=_describe_forwards)
    """Whether it routes packets for others"""

    @property
    def does_forward(self) -> bool:
        """Whether packets of others may cross this node."""
        if self.forwards is not None:
            return self.forwards
        return ROLES.all[self.role].forwards


class RawSpread(RawModel):
    """Bandwidths that differ from relay to relay: equally likely values of a lognormal."""

    median_kbps: RateKbps = Field(alias="median")
    """What half of the relays have less than (6.3mbit)."""
    sigma: float = Field(default=0.0, ge=0, le=3, strict=False)
    """How far they scatter: the standard deviation of their logarithm; 0: all have the median."""
    least_kbps: RateKbps | None = Field(default=None, alias="least")
    """What those have that would have less."""
    most_kbps: RateKbps | None = Field(default=None, alias="most")
    """What those have that would have more."""


def _every_place(value: object) -> object:
    return [*PLACES] if value == "all" else value


def _one_bandwidth(value: object) -> object:
    """One rate, as text, is a spread of none."""
    if isinstance(value, dict | RawSpread):
        return value
    parse_rate_kbps(value)
    return {"median": value}


_Places = Annotated[
    list[PlaceName],
    BeforeValidator(_every_place, json_schema_input_type=Literal["all"] | list[PlaceName]),
]
_Bandwidth = Annotated[
    RawSpread, BeforeValidator(_one_bandwidth, json_schema_input_type=RateKbps | RawSpread)
]


class RawRelays(RawModel):
    """Relays by the number: each is a node, called after its place (paris-1), or relay-1."""

    count: int = Field(ge=1, le=MAX_ADDRESSES)
    """How many there are, beside those among the nodes."""
    places: _Places = []
    """The cities they stand in, or all of the table: dealt in turn, in an order drawn from the
    seed. A city that stands here twice has twice as many."""
    links: dict[str, RawLink | None] = Field(default={}, json_schema_extra=_NAMED)
    """The networks each is attached to, as in a node; if absent, the only network there is."""
    bandwidth: _Bandwidth | None = None
    """How much the Tor of each relays (`bandwidth_rate` of a node): one rate (10mbit), or a median
    and sigma, dealt out in an order drawn from the seed."""
    tor_version: TorVersionName | None = None
    """The version of their Tor, if not the network's."""
    seed: int = Field(default=1, ge=0, le=2**63 - 1)
    """What the orders are drawn from."""


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
    nodelay: bool = True
    """Whether both ends set TCP_NODELAY (`--tcp-nodelay`, which OpenVPN's default is without)."""


class RawTor(RawModel):
    """The private Tor network."""

    voting_interval_s: DurationS = Field(
        default=10, alias="voting_interval", json_schema_extra={"default": "10s"}
    )
    """How often the authority makes a consensus: 10s to 30m, and it must divide 30m."""
    circuit: list[str] = []
    """The relays a call goes through, guard first; empty: chosen from the seed of each run."""
    version: TorVersionName = DEFAULT
    """The version of every Tor whose node has no `tor_version`."""
    congestion_control: Literal["vegas", "fixed"] | None = None
    """What the consensus says of congestion control (cc_alg): vegas, as in the public network
    since 2022, or fixed windows, which is also what Tor does where it says nothing."""
    conflux: Literal["off", "latency", "throughput"] = "off"
    """Whether a call is split over two circuits to one exit, and what for (ConfluxClientUX)."""
    scheduler: Literal["kist", "kistlite"] | None = None
    """What every Tor sends cells by (Schedulers); Tor's own choice, KIST where the kernel has it,
    if absent."""
    consensus: dict[str, Annotated[int, Field(ge=-(2**31), le=2**31 - 1)]] = Field(
        default={}, json_schema_extra={"propertyNames": {"pattern": PARAMETER_PATTERN}}
    )
    """Further parameters of the consensus, by Tor's own names (cc_vegas_alpha_exit: 186)."""
    callee_circuit: list[str] = []
    """The same for the callee's own circuit, where both ends are anonymous; empty: chosen from the
    seed, over relays that the caller's circuit does not cross as far as there are any."""
    hops: int = Field(default=HOPS, ge=CIRCUIT_HOPS[0], le=CIRCUIT_HOPS[-1])
    """How many relays a chosen circuit has."""
    nodelay: Literal["none", "client", "exit", "relays", "all"] = "none"
    """Which Tor processes set TCP_NODELAY, which Tor itself never does: none, the clients, every
    relay on the connections that it opens as an exit, every relay on all, or all of them."""
    selection: Literal["uniform", "bandwidth"] = "uniform"
    """How the seed chooses relays: each alike, or in proportion to their bandwidth, as Tor does
    (a relay's `bandwidth_rate`, or the lowest `rate` of its links where it has none)."""


class RawTopology(RawModel):
    """A topology of the voice-over-Tor lab."""

    name: str = Field(json_schema_extra={"pattern": NAME_PATTERN})
    """Lowercase letters, digits and hyphens, at most 30 characters."""
    description: str = Field(default="", max_length=2000)
    """What the topology is for."""
    pbx: Literal["auto", "freeswitch", "kamailio"] = "auto"
    """The telephone exchange; auto takes FreeSWITCH where its image is available."""
    pbx_profile: Literal["steady", "stock"] = "steady"
    """How FreeSWITCH passes voice on: each packet as it comes, or stock, as its own default
    profile does, by a timer of its own; rtpengine beside Kamailio has no such choice."""
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
    relays: RawRelays | None = None
    """Further relays, by their number."""
    hosts: dict[str, RawHost] = Field(default={}, json_schema_extra=_NAMED)
    """The hosts that the lab spans, by name, `here` among them; if absent, it is on this one."""

    @property
    def wanted_pbx(self) -> str:
        """The exchange: `auto` only where its profile leaves the choice."""
        return "freeswitch" if self.pbx_profile == "stock" else self.pbx

    @property
    def fixed_subnets(self) -> dict[str, IPv4Network]:
        """The subnets that the user fixed, by network."""
        return {
            name: network.subnet
            for name, network in self.networks.items()
            if network is not None and network.subnet is not None
        }

    def host_of(self, node: str) -> str:
        """The host of a node's machine; the nodes run in no circle."""
        on = self.nodes[node].on
        return self.nodes[node].host if on is None else self.host_of(on)


def topology_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a topology file."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **RawTopology.model_json_schema(),
    }
