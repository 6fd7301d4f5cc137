"""The secrets of one lab: made fresh for it, kept only in its state directory."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from lab.render.mumble import MumbleSecrets, mumble_secrets
from lab.render.tor_keys import TorKeys, generate_tor_keys
from lab.render.vpn_pki import Credential, issue_credential
from lab.topology.model import Role, Topology


@dataclass(frozen=True, slots=True)
class LabSecrets:
    """Everything in a lab that must not be known outside it."""

    sip_passwords: dict[str, str]
    """Extension → digest password."""
    vpn: dict[str, Credential]
    """Node → its end of the tunnel."""
    tor: TorKeys
    mumble: MumbleSecrets | None = None
    """Of the lab's Murmur, where it has one."""


def generate_secrets(topology: Topology) -> LabSecrets:
    """Make fresh secrets for every node of `topology` that needs one."""
    endpoints = topology.with_role(Role.ENDPOINT)
    vpn_nodes = [*topology.with_role(Role.VPN_SERVER), *(n for n in endpoints if n.tunnel)]
    return LabSecrets(
        sip_passwords={n.extension: secrets.token_urlsafe(18) for n in endpoints if n.extension},
        vpn={node.name: issue_credential(node.name) for node in vpn_nodes},
        tor=generate_tor_keys(
            [node.name for node in topology.with_role(Role.RELAY)], topology.authority.name
        ),
        mumble=mumble_secrets(topology),
    )
