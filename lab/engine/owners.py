"""Whose labs are on this host: users share its engine, and no command touches another's lab."""

from __future__ import annotations

import pwd
from collections.abc import Mapping

from docker import DockerClient

from lab.errors import LabError
from lab.render import labels
from lab.render.owner import UNPRIVILEGED_ID, invoking_owner


def owner_in(own: Mapping[str, str]) -> int | None:
    """The user id in the labels of a container or a network; None of an older version's."""
    uid = own.get(labels.OWNER, "")
    return int(uid) if uid.isascii() and uid.isdigit() else None


def is_mine(uid: int | None) -> bool:
    """Whether a lab of that owner is this user's, or may be."""
    return uid in (None, invoking_owner().uid)


def owners(client: DockerClient) -> dict[str, int | None]:
    """Lab → its owner, of every lab of which anything is left in Docker."""
    wanted = {"label": labels.LAB}
    every = [item["Labels"] for item in client.api.containers(all=True, filters=wanted)]
    every += [network.attrs["Labels"] for network in client.networks.list(filters=wanted)]
    found: dict[str, int | None] = {}
    for own in every:
        # What a command starts beside nodes does not say whose it is: the nodes do.
        name, uid = own[labels.LAB], owner_in(own)
        found[name] = found.get(name) if uid is None else uid
    return found


def check_mine(lab: str, uid: int | None, hint: str) -> None:
    """LabError where the lab is another user's."""
    if not is_mine(uid):
        raise LabError(f"lab {lab} on this host belongs to {user_named(uid)}", hint)


def user_named(uid: int | None) -> str:
    """`ada`, or the number of a user without a name."""
    if uid == UNPRIVILEGED_ID:
        return "root"
    try:
        return pwd.getpwuid(uid).pw_name if uid is not None else "nobody known"
    except KeyError:
        return f"user {uid}"
