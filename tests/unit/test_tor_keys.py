"""Identities made before any relay starts: tor must believe them, and nobody must see them."""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from lab.render.tor_keys import TorKeys, generate_tor_keys

NOW = datetime(2030, 5, 6, 7, 8, 9, tzinfo=UTC)


@pytest.fixture(scope="module")
def keys() -> TorKeys:
    return generate_tor_keys(["authority", "relay1"], "authority", NOW)


@pytest.fixture(scope="module")
def certificate(keys: TorKeys) -> str:
    return keys.relays["authority"].files["authority_certificate"].decode()


def private_key(pem: bytes) -> RSAPrivateKey:
    key = load_pem_private_key(pem, None)
    assert isinstance(key, RSAPrivateKey)
    return key


def public_key_after(keyword: str, certificate: str) -> RSAPublicKey:
    match = re.search(rf"^{keyword}\n(-----BEGIN.*?-----END[^\n]*)", certificate, re.S | re.M)
    assert match
    key = load_pem_public_key(match[1].encode())
    assert isinstance(key, RSAPublicKey)
    return key


def signature_after(keyword: str, certificate: str) -> bytes:
    match = re.search(rf"^{keyword}\n-----BEGIN[^\n]*\n(.*?)-----END", certificate, re.S | re.M)
    assert match
    return base64.b64decode(match[1])


def fingerprint(key: RSAPublicKey) -> str:
    der = key.public_bytes(Encoding.DER, PublicFormat.PKCS1)
    return hashlib.sha1(der).hexdigest().upper()


def signed_digest(key: RSAPublicKey, signature: bytes) -> bytes:
    """What an RSA signature without DigestInfo was made over."""
    return key.recover_data_from_signature(signature, padding.PKCS1v15(), None)


def test_every_relay_is_known_by_the_fingerprint_of_its_key(keys: TorKeys) -> None:
    for name in ("authority", "relay1"):
        key = private_key(keys.relays[name].files["secret_id_key"])
        assert key.key_size == 1024
        assert keys.fingerprint(name) == fingerprint(key.public_key())


def test_the_identity_key_signs_the_whole_certificate(keys: TorKeys, certificate: str) -> None:
    identity = public_key_after("dir-identity-key", certificate)
    assert fingerprint(identity) == keys.v3ident
    assert f"fingerprint {keys.v3ident}\n" in certificate
    signed, _ = certificate.split("-----BEGIN SIGNATURE")
    digest = signed_digest(identity, signature_after("dir-key-certification", certificate))
    assert digest == hashlib.sha1(signed.encode()).digest()


def test_the_signing_key_confirms_the_identity(keys: TorKeys, certificate: str) -> None:
    signing = public_key_after("dir-signing-key", certificate)
    digest = signed_digest(signing, signature_after("dir-key-crosscert", certificate))
    assert digest.hex().upper() == keys.v3ident
    own = private_key(keys.relays["authority"].files["authority_signing_key"]).public_key()
    assert own == signing


def test_the_certificate_is_in_force_already_and_for_a_year(certificate: str) -> None:
    assert "dir-key-published 2030-05-06 06:08:09\n" in certificate
    assert "dir-key-expires 2031-05-06 07:08:09\n" in certificate


def test_the_authoritys_long_term_key_is_kept_nowhere(keys: TorKeys) -> None:
    assert set(keys.relays["authority"].files) == {
        "secret_id_key",
        "authority_signing_key",
        "authority_certificate",
    }
    assert set(keys.relays["relay1"].files) == {"secret_id_key"}


def test_no_secret_is_in_what_a_log_would_show(keys: TorKeys) -> None:
    assert "PRIVATE" not in repr(keys)
    assert "secret_id_key" not in repr(keys)


def test_every_lab_has_other_keys(keys: TorKeys) -> None:
    others = generate_tor_keys(["authority", "relay1"], "authority", NOW)
    assert others.v3ident != keys.v3ident
    assert others.fingerprint("relay1") != keys.fingerprint("relay1")


def test_the_authority_must_be_a_relay() -> None:
    with pytest.raises(ValueError, match="'nobody' is not one of the relays"):
        generate_tor_keys(["relay1"], "nobody")
