"""The SOCKS proxy that a connection goes through."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Address


@dataclass(frozen=True, slots=True)
class SocksProxy:
    """A SOCKS5 proxy with user and password; Tor gives others a circuit of their own."""

    address: IPv4Address
    port: int
    user: str
    password: str = field(repr=False)
