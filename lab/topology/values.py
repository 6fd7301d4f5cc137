"""The kinds of value that a topology file holds: how each is written, read and described.

What is written wrongly is a ValueError whose text goes on from the name of the key.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv4Network
from typing import Annotated, Literal

from pydantic import BeforeValidator, WithJsonSchema

from lab.places.cities import place_named
from lab.topology.mistakes import did_you_mean, listed
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
from lab.tor_versions import TOR_VERSIONS


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


def _engine(value: object) -> str:
    if isinstance(value, str) and re.fullmatch(ENGINE_PATTERN, value, re.ASCII):
        return value
    if isinstance(value, str) and value.startswith(("tcp://", "http://", "https://")):
        raise ValueError("is an engine by TCP, which the lab does not use: write ssh://you@host")
    raise ValueError("is not the address of an engine, such as ssh://you@host or unix:///path")


def _schema(example: str, pattern: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": pattern, "examples": [example]})


def _place_name(value: object) -> str:
    return place_named(value if isinstance(value, str) else repr(value)).name


def _tor_version(value: object) -> str:
    if not isinstance(value, str) or value not in TOR_VERSIONS:
        known = [*TOR_VERSIONS]
        hint = did_you_mean(str(value), known)
        raise ValueError(f"is not a version of Tor that the lab knows: {listed(known, 'or')}{hint}")
    return value


ENGINE_PATTERN = (
    r"^(unix:///[^\s]+|ssh://([A-Za-z0-9._-]+@)?[A-Za-z0-9][A-Za-z0-9.-]*(:[0-9]{1,5})?)$"
)
"""No address that begins with a hyphen: ssh(1) would take it for an option."""

EngineAddress = Annotated[
    str,
    BeforeValidator(_engine),
    _schema("ssh://you@host", ENGINE_PATTERN),
]
TorVersionName = Annotated[
    str,
    BeforeValidator(_tor_version),
    WithJsonSchema({"type": "string", "enum": [*TOR_VERSIONS]}),
]
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
