"""A certificate that is made once per user and kept, for programs that are slow to make one."""

from __future__ import annotations

import os
import secrets
from dataclasses import replace
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa

from lab import storage
from lab.errors import LabError
from lab.render.project import Project
from lab.render.vpn_pki import issue_credential
from lab.roles import program_of
from lab.topology.model import Topology

_KEY_BITS = 4096
"""FreeSWITCH makes a shorter key anew at every start."""


def with_certificate(project: Project, topology: Topology) -> Project:
    """The project of a lab that is to be started, with the certificates that programs ask for."""
    files = [
        f"nodes/{node.name}/{name}"
        for node in topology.nodes
        for name in program_of(topology, node).certificates
    ]
    if not files:
        return project
    pem = kept_certificate(storage.home() / "freeswitch-certificate.pem")
    return replace(project, files={**project.files, **dict.fromkeys(files, pem)})


def kept_certificate(path: Path) -> bytes:
    """Key and self-signed certificate, PEM, as kept in `path`; made where there are none.

    LabError where it can neither be read nor written.
    """
    try:
        if path.exists():
            return path.read_bytes()
        key = rsa.generate_private_key(public_exponent=65537, key_size=_KEY_BITS)
        credential = issue_credential("freeswitch", key)
        pem = (credential.key_pem + credential.certificate_pem).encode()
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(pem)
        unfinished.replace(path)
    except OSError as error:
        raise LabError(f"cannot keep {path}: {error.strerror}", "Set LAB_HOME.") from error
    return pem
