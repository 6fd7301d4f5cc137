"""The secrets of one lab: made fresh for it, kept only in its state directory."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

from lab.render.obfs4 import Obfs4Identity, issue_obfs4_identity
from lab.render.onion_keys import OnionKeys, generate_onion_keys
from lab.render.tor_keys import TorKeys, generate_tor_keys
from lab.render.vpn_pki import Credential, issue_credential
from lab.role import SecretKind
from lab.roles import ROLES
from lab.topology.model import Topology

PASSWORD_BYTES = 18


@dataclass(frozen=True, slots=True)
class LabSecrets:
    """Everything in a lab that must not be known outside it."""

    passwords: Mapping[str, Mapping[str, str]] = field(repr=False)
    """What for → node → password; what for is said by the node's role."""
    credentials: Mapping[str, Mapping[str, Credential]] = field(repr=False)
    """What for → node → key and certificate."""
    tor: TorKeys
    """The identities of all relays and bridges."""
    obfs4: Mapping[str, Obfs4Identity] = field(default_factory=dict, repr=False)
    """Bridge → its identity in obfs4, of those that speak it."""
    onions: Mapping[str, OnionKeys] = field(default_factory=dict)
    """Onion service → its identity."""

    def password(self, purpose: str, node: str) -> str | None:
        """The password that `node` has for `purpose`; None where it has none."""
        return self.passwords.get(purpose, {}).get(node)

    def credential(self, purpose: str, node: str) -> Credential | None:
        """Key and certificate that `node` has for `purpose`; None where it has none."""
        return self.credentials.get(purpose, {}).get(node)


def generate_secrets(topology: Topology) -> LabSecrets:
    """Make fresh secrets for every node of `topology`, those that its role says it needs."""
    passwords: dict[str, dict[str, str]] = {}
    credentials: dict[str, dict[str, Credential]] = {}
    relays: list[str] = []
    obfs4: dict[str, Obfs4Identity] = {}
    onions: dict[str, OnionKeys] = {}
    for node in topology.nodes:
        needed = ROLES.all[node.role].secrets
        for purpose, kind in needed(topology, node).items() if needed else ():
            match kind:
                case SecretKind.PASSWORD:
                    secret = secrets.token_urlsafe(PASSWORD_BYTES)
                    passwords.setdefault(purpose, {})[node.name] = secret
                case SecretKind.CREDENTIAL:
                    issued = issue_credential(node.name)
                    credentials.setdefault(purpose, {})[node.name] = issued
                case SecretKind.TOR_IDENTITY:
                    relays.append(node.name)
                case SecretKind.OBFS4_IDENTITY:
                    obfs4[node.name] = issue_obfs4_identity()
                case SecretKind.ONION_IDENTITY:
                    onions[node.name] = generate_onion_keys()
    tor = generate_tor_keys(relays, topology.authority.name)
    return LabSecrets(passwords, credentials, tor, obfs4, onions)
