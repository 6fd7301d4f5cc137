"""Keys of an onion service, made before its tor starts: so its address can be written down."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

HOSTNAME = "hostname"
"""The file that holds the address."""
_VERSION = b"\x03"


@dataclass(frozen=True, slots=True)
class OnionKeys:
    """The identity of one onion service."""

    address: str
    """`….onion`."""
    files: Mapping[str, bytes] = field(repr=False)
    """File name to content, as tor wants them in a `HiddenServiceDir`; secret."""


def generate_onion_keys() -> OnionKeys:
    """A fresh random identity (Tor rend-spec-v3, appendix A.2)."""
    private = Ed25519PrivateKey.generate()
    public = private.public_key().public_bytes_raw()
    address = onion_address(public)
    secret = expanded_key(private.private_bytes_raw())
    return OnionKeys(
        address,
        {
            HOSTNAME: f"{address}\n".encode(),
            "hs_ed25519_public_key": _tagged("public", public),
            "hs_ed25519_secret_key": _tagged("secret", secret),
        },
    )


def onion_address(public_key: bytes) -> str:
    """The address of a service with that Ed25519 key, 32 octets (rend-spec-v3, 6)."""
    checked = b".onion checksum" + public_key + _VERSION
    checksum = hashlib.sha3_256(checked).digest()[:2]
    return base64.b32encode(public_key + checksum + _VERSION).decode().lower() + ".onion"


def expanded_key(seed: bytes) -> bytes:
    """The 64 octets that tor keeps of a secret Ed25519 key (RFC 8032, 5.1.5)."""
    digest = bytearray(hashlib.sha512(seed).digest())
    digest[0] &= 248
    digest[31] &= 127
    digest[31] |= 64
    return bytes(digest)


def _tagged(kind: str, key: bytes) -> bytes:
    """As tor writes keys into files: a tag of 32 octets before them."""
    return f"== ed25519v1-{kind}: type0 ==".encode().ljust(32, b"\0") + key
