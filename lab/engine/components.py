"""Which versions of programs and libraries are in an image."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from docker import DockerClient

from lab.engine.short_run import printed_by
from lab.errors import LabError
from lab.role import Component, Program

IMAGE = "image "
"""How the names of images begin among the versions of a run or a call."""
UNPRIVILEGED = "10001:10001"
PACKAGES = ("dpkg-query", "--show", "--showformat=${Package} ${Version}\\n")


def versions_told(
    components: Sequence[Component], run: Callable[[Sequence[str]], str]
) -> dict[str, str]:
    """Component → its version; `run` returns what a command in the image prints.

    LabError where one does not tell.
    """
    found: dict[str, str] = {}
    if packages := [component.name for component in components if not component.command]:
        lines = run([*PACKAGES, *packages]).splitlines()
        found |= dict(line.split(maxsplit=1) for line in lines if " " in line.strip())
    for component in components:
        if component.command:
            printed = run(component.command)
            match = re.search(component.answer, printed)
            if not match:
                raise LabError(f"{component.name} says {printed.strip()[:80]!r}")
            found[component.name] = match[1].strip()
    return found


def versions_in_image(client: DockerClient, program: Program, tag: str) -> dict[str, str]:
    """The components of a program whose image is here under `tag`.

    LabError where one of them does not tell.
    """

    def run(command: Sequence[str]) -> str:
        program, arguments = command[:1], command[1:]
        printed = printed_by(client, tag, arguments, entrypoint=program, user=UNPRIVILEGED)
        return printed or ""

    return versions_told(program.components, run)
