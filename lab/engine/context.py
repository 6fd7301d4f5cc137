"""Which engine the `docker` command speaks to, so that the lab speaks to no other.

DOCKER_HOST wins over DOCKER_CONTEXT, which wins over what `docker context use` chose; the
context `default` is what DOCKER_HOST and its companions say. Contexts are kept by the name's
SHA-256 below Docker's configuration: `contexts/meta/…/meta.json`, `contexts/tls/…/docker/`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from docker.errors import TLSParameterError
from docker.tls import TLSConfig
from docker.utils import kwargs_from_env

from lab.errors import LabError

DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An engine, and by which context it was found."""

    context: str
    host: str
    """Such as `unix:///var/run/docker.sock`; empty for the local engine's usual socket."""
    tls: TLSConfig | None = None

    @property
    def is_local(self) -> bool:
        """Whether its containers run under this host's kernel."""
        return not self.host or self.host.startswith(("unix://", "http+unix://"))

    def options(self) -> dict[str, Any]:
        """The same for `DockerClient`."""
        options: dict[str, Any] = {"use_ssh_client": self.host.startswith("ssh://")}
        if self.host:
            options["base_url"] = self.host
        if self.tls is not None:
            options["tls"] = self.tls
        return options


def endpoint(environment: Mapping[str, str] = os.environ) -> Endpoint:
    """The engine that `docker` would use in `environment`.

    LabError where the context named there does not exist or cannot be read.
    """
    configuration = _configuration_directory(environment)
    name, named_by = _context_name(environment, configuration)
    if name == DEFAULT:
        return _default(environment)
    digest = sha256(name.encode()).hexdigest()
    file = configuration / "contexts" / "meta" / digest / "meta.json"
    try:
        told = json.loads(file.read_text(encoding="utf-8"))["Endpoints"]["docker"]
        host, skips_verification = str(told["Host"]), bool(told.get("SkipTLSVerify"))
    except FileNotFoundError:
        raise LabError(
            f"there is no Docker context {name!r}, which {named_by} names",
            "`docker context ls` lists those there are; `docker context use` chooses one.",
        ) from None
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise LabError(
            f"the Docker context {name!r}, which {named_by} names, cannot be read from {file}",
            f"{type(error).__name__}: {error}",
        ) from error
    keys = configuration / "contexts" / "tls" / digest / "docker"
    try:
        return Endpoint(name, host, _tls(keys, skips_verification))
    except TLSParameterError as error:
        raise LabError(
            f"the keys of the Docker context {name!r} in {keys} cannot be used", str(error)
        ) from error


def _default(environment: Mapping[str, str]) -> Endpoint:
    try:
        # An empty mapping would stand for os.environ there.
        options = kwargs_from_env({"": "", **environment})
    except TLSParameterError as error:
        raise LabError(
            "the keys that DOCKER_CERT_PATH and DOCKER_TLS_VERIFY ask for cannot be used",
            str(error),
        ) from error
    return Endpoint(DEFAULT, options.get("base_url", ""), options.get("tls"))


def _configuration_directory(environment: Mapping[str, str]) -> Path:
    if configured := environment.get("DOCKER_CONFIG"):
        return Path(configured)
    try:
        return Path.home() / ".docker"
    except RuntimeError:  # A user without a home directory has no contexts either.
        return Path("/nonexistent")


def _context_name(environment: Mapping[str, str], configuration: Path) -> tuple[str, str]:
    """The context's name, and what names it."""
    if environment.get("DOCKER_HOST"):
        return DEFAULT, "DOCKER_HOST"
    if name := environment.get("DOCKER_CONTEXT"):
        return name, "DOCKER_CONTEXT"
    file = configuration / "config.json"
    try:
        chosen = json.loads(file.read_text(encoding="utf-8")).get("currentContext")
    except (OSError, ValueError, AttributeError):
        # `docker` itself warns of such a file and goes on with the default.
        chosen = None
    return (str(chosen), f"`docker context use` ({file})") if chosen else (DEFAULT, "nothing")


def _tls(keys: Path, skips_verification: bool) -> TLSConfig | None:
    authority, certificate, key = (keys / f"{name}.pem" for name in ("ca", "cert", "key"))
    if not (authority.exists() or certificate.exists() or skips_verification):
        return None
    pair = (str(certificate), str(key)) if certificate.exists() and key.exists() else None
    return TLSConfig(
        client_cert=pair,
        ca_cert=str(authority) if authority.exists() else None,
        verify=not skips_verification,
    )
