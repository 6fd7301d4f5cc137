"""A bridge's identity in obfs4, made before it starts: its clients are told of it in their torrc.

The obfs4 specification, section 3: a node id of 20 bytes and an ntor key (Curve25519); the bridge
line's `cert` is both, in base64 without padding. obfs4proxy reads its own from `obfs4_state.json`.
"""

from __future__ import annotations

import base64
import json
import secrets
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

NODE_ID_BYTES = 20
DRBG_SEED_BYTES = 24


@dataclass(frozen=True, slots=True)
class Obfs4Identity:
    """What obfs4proxy keeps of a bridge, and what its clients must know of it."""

    certificate: str
    """`cert=` of the bridge line."""
    state: bytes = field(repr=False)
    """The content of `obfs4_state.json`; secret."""


def issue_obfs4_identity() -> Obfs4Identity:
    """A fresh random identity; packets keep their times (`iat-mode` 0, obfs4proxy's default)."""
    node_id, key = secrets.token_bytes(NODE_ID_BYTES), X25519PrivateKey.generate()
    public = key.public_key().public_bytes_raw()
    state = {
        "node-id": node_id.hex(),
        "private-key": key.private_bytes_raw().hex(),
        "public-key": public.hex(),
        "drbg-seed": secrets.token_hex(DRBG_SEED_BYTES),
        "iat-mode": 0,
    }
    certificate = base64.b64encode(node_id + public).decode().rstrip("=")
    return Obfs4Identity(certificate, json.dumps(state).encode())
