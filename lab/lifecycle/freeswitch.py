"""What FreeSWITCH needs beyond its configuration: a certificate, and modules in its image."""

from __future__ import annotations

import os
import re
import secrets
from dataclasses import replace
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa
from docker import DockerClient

from lab import storage
from lab.engine.discovery import RunningLab
from lab.errors import LabError
from lab.lifecycle.plan import Plan
from lab.render.pbx import freeswitch_codecs
from lab.render.project import Project
from lab.render.vpn_pki import issue_credential
from lab.topology.model import PbxKind, Role, Topology

CERTIFICATE_FILES = ("dtls-srtp.pem", "wss.pem")
"""The two that FreeSWITCH 1.10 looks for in its `-certs` directory."""

_KEY_BITS = 4096
"""A shorter key is made anew at every start."""

_NOT_LOADED = re.compile(r"Error Loading module \S*?(mod_\w+)")


def with_certificate(project: Project, topology: Topology) -> Project:
    """The project of a lab that is to be started, with a certificate where FreeSWITCH runs.

    FreeSWITCH does not start without one for WebRTC, which no lab uses. Left to itself it makes
    two, which takes it seconds of CPU time at every start; one is made once per user and kept.
    """
    if topology.pbx is not PbxKind.FREESWITCH:
        return project
    pem = kept_certificate(storage.home() / "freeswitch-certificate.pem")
    files = {
        f"nodes/{node.name}/freeswitch/{name}": pem
        for node in topology.with_role(Role.PBX)
        for name in CERTIFICATE_FILES
    }
    return replace(project, files={**project.files, **files})


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


def modules_not_loaded(log: str) -> tuple[str, ...]:
    """The modules that FreeSWITCH's log says it could not load, each once."""
    return tuple(dict.fromkeys(_NOT_LOADED.findall(log)))


def refuse_missing_modules(client: DockerClient, lab: RunningLab, plan: Plan) -> None:
    """LabError where FreeSWITCH runs without a module that the lab needs, with what it is for."""
    if plan.topology.pbx is not PbxKind.FREESWITCH:
        return
    for node in plan.topology.with_role(Role.PBX):
        log = client.api.logs(lab.node(node.name).container_id).decode(errors="replace")
        if missing := modules_not_loaded(log):
            raise LabError(
                f"FreeSWITCH in {plan.pbx.freeswitch_image} could not load "
                + ", ".join(_with_codecs(module, plan.topology) for module in missing),
                "Take that codec out of the topology's `codecs`, or name an image with the module "
                "in FREESWITCH_IMAGE."
                if all(freeswitch_codecs(module) for module in missing)
                else "Name an image with the module in FREESWITCH_IMAGE, or write `pbx: kamailio`.",
            )


def _with_codecs(module: str, topology: Topology) -> str:
    codecs = [codec for codec in freeswitch_codecs(module) if codec in topology.codecs]
    return f"{module} (for {', '.join(codecs)})" if codecs else module
