"""What stands in a bundle's projects in the place of secrets: words that say so.

No secret is made for a bundle and none is read, so none can be in it; and the same topology is
rendered to the same octets every time.
"""

from __future__ import annotations

from lab.render.obfs4 import Obfs4Identity
from lab.render.onion_keys import HOSTNAME, OnionKeys
from lab.render.secrets import LabSecrets
from lab.render.tor_keys import RelayKeys, TorKeys
from lab.render.vpn_pki import Credential
from lab.role import SecretKind
from lab.roles import ROLES
from lab.topology.model import Topology

MARK = "left-out"
"""How every placeholder begins."""


def placeholder_secrets(topology: Topology) -> LabSecrets:
    """For every secret that a node of `topology` needs, the words that stand for it."""
    passwords: dict[str, dict[str, str]] = {}
    credentials: dict[str, dict[str, Credential]] = {}
    relays: dict[str, RelayKeys] = {}
    obfs4: dict[str, Obfs4Identity] = {}
    onions: dict[str, OnionKeys] = {}
    for node in topology.nodes:
        name = node.name
        needed = ROLES.all[node.role].secrets
        for purpose, kind in needed(topology, node).items() if needed else ():
            match kind:
                case SecretKind.PASSWORD:
                    passwords.setdefault(purpose, {})[name] = f"{MARK}-{purpose}-password-of-{name}"
                case SecretKind.CREDENTIAL:
                    credentials.setdefault(purpose, {})[name] = _credential(purpose, name)
                case SecretKind.TOR_IDENTITY:
                    relays[name] = _relay(name, is_authority=name == topology.authority.name)
                case SecretKind.OBFS4_IDENTITY:
                    obfs4[name] = Obfs4Identity(
                        f"{MARK}-obfs4-certificate-of-{name}", _file(f"obfs4-identity-of-{name}")
                    )
                case SecretKind.ONION_IDENTITY:
                    onions[name] = _onion(name)
    tor = TorKeys(relays, f"{MARK}-identity-of-the-authority")
    return LabSecrets(passwords, credentials, tor, obfs4, onions)


def _credential(purpose: str, name: str) -> Credential:
    return Credential(
        key_pem=f"{MARK}-{purpose}-key-of-{name}\n",
        certificate_pem=f"{MARK}-{purpose}-certificate-of-{name}\n",
        fingerprint=f"{MARK}-{purpose}-fingerprint-of-{name}",
    )


def _relay(name: str, is_authority: bool) -> RelayKeys:
    secret = ["secret_id_key"]
    if is_authority:
        secret += ["authority_signing_key", "authority_certificate"]
    return RelayKeys(
        f"{MARK}-fingerprint-of-{name}", {file: _file(f"{file}-of-{name}") for file in secret}
    )


def _onion(name: str) -> OnionKeys:
    address = f"{MARK}-address-of-{name}.onion"
    secret = ("hs_ed25519_public_key", "hs_ed25519_secret_key")
    files = {file: _file(f"{file}-of-{name}") for file in secret}
    return OnionKeys(address, {HOSTNAME: f"{address}\n".encode(), **files})


def _file(what: str) -> bytes:
    return f"{MARK}-{what}\n".encode()
