"""Self-signed certificates; those of a lab's OpenVPN are trusted by their fingerprints."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

VALIDITY = timedelta(days=3650)


@dataclass(frozen=True, slots=True)
class Credential:
    """One end's key and certificate, PEM, and what the other end checks."""

    key_pem: str
    certificate_pem: str
    fingerprint: str
    """SHA-256 of the certificate, colon-separated upper-case hex, as `peer-fingerprint` wants."""


def issue_credential(common_name: str, key: rsa.RSAPrivateKey | None = None) -> Credential:
    """A self-signed certificate for `common_name` and its key, a fresh EC P-256 one by default."""
    return _self_signed(common_name, key or ec.generate_private_key(ec.SECP256R1()))


def _self_signed(
    common_name: str, key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
) -> Credential:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + VALIDITY)
        .sign(key, hashes.SHA256())
    )
    return Credential(
        key_pem=key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode(),
        certificate_pem=certificate.public_bytes(serialization.Encoding.PEM).decode(),
        fingerprint=certificate.fingerprint(hashes.SHA256()).hex(":").upper(),
    )
