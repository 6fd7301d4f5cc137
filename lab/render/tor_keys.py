"""Keys of a private Tor network, made before any relay starts.

Because the identities exist first, every torrc and every pinned path can be written
down without asking a running relay for its fingerprint.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import NoDigestInfo
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

IDENTITY_BITS = 1024
"""What dir-spec demands of a relay's RSA identity; newer keys of a relay are Ed25519."""
AUTHORITY_IDENTITY_BITS = 3072
AUTHORITY_SIGNING_BITS = 2048
CERTIFICATE_LIFETIME = timedelta(days=365)
CLOCK_SLACK = timedelta(hours=1)
"""How far a certificate is dated back, so that it is never from the future."""


@dataclass(frozen=True, slots=True)
class RelayKeys:
    """One relay's identity: what goes into `DataDirectory/keys`, and what others call it."""

    fingerprint: str
    """SHA-1 of the RSA identity key, 40 upper-case hexadecimal digits."""
    files: Mapping[str, bytes] = field(repr=False)
    """File name to content; all of it secret."""


@dataclass(frozen=True, slots=True)
class TorKeys:
    """The identities of every relay of a lab."""

    relays: Mapping[str, RelayKeys]
    """By node name, in the order asked for."""
    v3ident: str
    """Fingerprint of the authority's long-term identity, as `DirAuthority v3ident=` wants it."""

    def fingerprint(self, relay: str) -> str:
        """The relay's fingerprint; KeyError where there is no relay of that name."""
        return self.relays[relay].fingerprint


def generate_tor_keys(
    relay_names: Iterable[str], authority_name: str, now: datetime | None = None
) -> TorKeys:
    """Fresh random keys for every relay, and a signing certificate for the authority.

    The authority's long-term identity signs that one certificate and is then forgotten:
    a lab lives for less than the certificate's year. ValueError where the authority is
    not among the relays. `now` is for tests.
    """
    names = tuple(relay_names)
    if authority_name not in names:
        raise ValueError(f"the authority {authority_name!r} is not one of the relays {names}")
    identity = _rsa_key(AUTHORITY_IDENTITY_BITS)
    signing = _rsa_key(AUTHORITY_SIGNING_BITS)
    authority_files = {
        "authority_signing_key": _private_pem(signing),
        "authority_certificate": _certificate(identity, signing, now or datetime.now(UTC)),
    }
    relays = {
        name: _relay_keys(authority_files if name == authority_name else {}) for name in names
    }
    return TorKeys(relays=relays, v3ident=_fingerprint(identity))


def _relay_keys(more_files: Mapping[str, bytes]) -> RelayKeys:
    identity = _rsa_key(IDENTITY_BITS)
    return RelayKeys(
        fingerprint=_fingerprint(identity),
        files={"secret_id_key": _private_pem(identity), **more_files},
    )


def _certificate(identity: rsa.RSAPrivateKey, signing: rsa.RSAPrivateKey, now: datetime) -> bytes:
    """A key certificate, version 3 (Tor dir-spec, "Creating key certificates")."""
    published, expires = now - CLOCK_SLACK, now + CERTIFICATE_LIFETIME
    crosscert = _sign(signing, hashlib.sha1(_public_der(identity), usedforsecurity=False).digest())
    text = (
        "dir-key-certificate-version 3\n"
        f"fingerprint {_fingerprint(identity)}\n"
        f"dir-key-published {published:%Y-%m-%d %H:%M:%S}\n"
        f"dir-key-expires {expires:%Y-%m-%d %H:%M:%S}\n"
        f"dir-identity-key\n{_public_pem(identity)}"
        f"dir-signing-key\n{_public_pem(signing)}"
        f"dir-key-crosscert\n{_armour('ID SIGNATURE', crosscert)}"
        "dir-key-certification\n"
    )
    digest = hashlib.sha1(text.encode(), usedforsecurity=False).digest()
    return (text + _armour("SIGNATURE", _sign(identity, digest))).encode()


def _sign(key: rsa.RSAPrivateKey, digest: bytes) -> bytes:
    """PKCS #1 v1.5 over the bare digest: Tor leaves the DigestInfo out (dir-spec 1.3)."""
    return key.sign(digest, padding.PKCS1v15(), NoDigestInfo())


def _armour(label: str, signature: bytes) -> str:
    encoded = base64.b64encode(signature).decode()
    lines = [encoded[start : start + 64] for start in range(0, len(encoded), 64)]
    return "\n".join((f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""))


def _rsa_key(bits: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def _private_pem(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())


def _public_pem(key: rsa.RSAPrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.PKCS1).decode()


def _public_der(key: rsa.RSAPrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.PKCS1)


def _fingerprint(key: rsa.RSAPrivateKey) -> str:
    """SHA-1 of the PKCS #1 public key (Tor dir-spec, "fingerprint")."""
    return hashlib.sha1(_public_der(key), usedforsecurity=False).hexdigest().upper()
