"""What a short-lived container prints: waited for first, then read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from docker import DockerClient
from docker.errors import APIError, ImageNotFound
from requests.exceptions import RequestException

from lab.engine.client import went_silent
from lab.errors import LabError

PATIENCE_S = 60
"""How long such a container may run."""
_LAST_LINES = 5


def printed_by(
    client: DockerClient,
    image: str,
    command: Sequence[str],
    *,
    entrypoint: Sequence[str] | None = None,
    **options: Any,
) -> str | None:
    """The standard output of `command` in a locked-down container; None without the image.

    `options` are those of `containers.create`. LabError where Docker will not run it, where it
    fails or goes on for too long, and where it printed nothing: empty is not absent.

    The log is read after the end, for an engine that is asked to follow it loses a last line
    without a newline (seen with 20.10).
    """
    try:
        client.images.get(image)  # `create` would ask a registry for it
    except ImageNotFound:
        return None
    program = (entrypoint or command)[0]
    try:
        container = client.containers.create(
            image,
            list(command),
            entrypoint=list(entrypoint) if entrypoint else None,
            network_mode="none",
            cap_drop=["ALL"],
            security_opt=["no-new-privileges"],
            read_only=True,
            **options,
        )
        try:
            container.start()
            status = container.wait(timeout=PATIENCE_S)["StatusCode"]
            printed: str = container.logs(stdout=True, stderr=False).decode(errors="replace")
            complaints = container.logs(stdout=False, stderr=True).decode(errors="replace")
        finally:
            container.remove(force=True)
    except APIError as error:
        if "executable file not found" in str(error.explanation):
            raise LabError(f"there is no program {program} in its search path") from error
        raise LabError(f"Docker will not run {program}: {error.explanation}") from error
    except RequestException as error:
        why = f"had not ended after {PATIENCE_S} s" if went_silent(error) else f"was lost: {error}"
        raise LabError(f"{program} {why}") from error
    if status:
        raise LabError(
            f"{program} ended with exit status {status}",
            "\n".join(complaints.strip().splitlines()[-_LAST_LINES:]),
        )
    if not printed.strip():
        raise LabError(f"{program} ended well, but printed nothing")
    return printed
