"""Which telephone exchange a lab runs: `auto` takes FreeSWITCH where its image can be had."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from docker import DockerClient
from docker.errors import APIError, DockerException, ImageNotFound

from lab.errors import LabError
from lab.roles.pbx import USERS_FREESWITCH
from lab.topology.model import PbxKind

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PbxChoice:
    """The exchange a lab gets, and why."""

    kind: PbxKind
    reason: str


def choose_pbx(client: DockerClient, wanted: str, may_pull: bool = True) -> PbxChoice:
    """Decide what `wanted` (auto, freeswitch, kamailio) means on this host.

    LabError where FreeSWITCH is demanded and its image can neither be found nor pulled. Where
    nothing may be pulled, an image that is not here is no choice for `auto`.
    """
    image = USERS_FREESWITCH.tag
    if wanted == PbxKind.KAMAILIO:
        return PbxChoice(PbxKind.KAMAILIO, "asked for")
    try:
        client.images.get(image)
        return PbxChoice(PbxKind.FREESWITCH, f"{image} is here")
    except ImageNotFound:
        log.debug("%s is not here", image)
    if not may_pull:
        return PbxChoice(PbxKind.without_host(wanted), f"{image} is not here")
    try:
        client.images.pull(image)
    except (APIError, DockerException) as error:
        why = getattr(error, "explanation", None) or error
        if wanted == PbxKind.FREESWITCH:
            raise LabError(
                f"FreeSWITCH is asked for, and its image {image} is neither here nor to be "
                f"pulled: {why}",
                f"Set {USERS_FREESWITCH.variable} to an image this host has, or write `pbx: auto` "
                "(without `pbx_profile: stock`, which is FreeSWITCH's).",
            ) from error
        return PbxChoice(PbxKind.KAMAILIO, f"{image} is neither here nor to be pulled")
    return PbxChoice(PbxKind.FREESWITCH, f"{image} was pulled")
