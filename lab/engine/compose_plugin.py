"""Find Docker Compose v2, or fetch it for this checkout alone.

Debian 12's own `docker-compose` is v1, which has reached its end of life; Debian 13's
package holds a v2 binary that runs on Debian 12 as it is. apt fetches it with its usual
signature check. It goes to `.tools/` and is run from there as a program of its own, not
into Docker's plugin directory: setting up this project then changes nothing else on the
host, and `make clean` takes it away again.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from lab import checkout
from lab.errors import LabError
from lab.events import Began, Listener

PACKAGE = "docker-compose"
SUITE = "trixie"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_BINARY_IN_PACKAGE = "usr/libexec/docker/cli-plugins/docker-compose"
OWN_BINARY = checkout.TOOLS / "docker-compose"
"""Where `obtain` puts it."""


@cache
def compose_command() -> tuple[str, ...]:
    """The words that start Compose v2: Docker's plugin, else this project's own binary.

    LabError where this host has neither.
    """
    for command in (("docker", "compose"), (str(OWN_BINARY),), ("docker-compose",)):
        found = version(command)
        if found and int(found.split(".")[0]) >= 2:
            return command
    raise LabError("No Compose v2 was found on this host.", "Run `make setup` (or `lab setup`).")


def version(command: Sequence[str]) -> str | None:
    """The version that a Compose command reports, None where it does not run."""
    if not shutil.which(command[0]):
        return None
    done = subprocess.run(
        [*command, "version", "--short"],
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    found = re.match(r"v?(\d+(?:\.\d+)*\S*)", done.stdout.strip())
    return found[1] if found and not done.returncode else None


def obtain(tell: Listener) -> None:
    """Fetch Compose v2 into `.tools/`; `tell` hears of each step.

    LabError on a host without Debian's apt, and where apt fails.
    """
    source = f"deb [signed-by={KEYRING}] {_mirror()} {SUITE} main\n"
    tell(Began(f"fetching Compose v2 (Debian {SUITE}'s package {PACKAGE})"))
    with tempfile.TemporaryDirectory(prefix="voice-tor-lab-") as name:
        scratch = Path(name)
        sources = scratch / "sources.list"
        sources.write_text(source, encoding="utf-8")
        for directory in ("lists/partial", "cache/archives/partial"):
            (scratch / directory).mkdir(parents=True)
        apt = [
            "apt-get",
            "-q",
            f"-oDir::Etc::sourcelist={sources}",
            "-oDir::Etc::SourceParts=/dev/null",
            f"-oDir::State::Lists={scratch / 'lists'}",
            f"-oDir::Cache={scratch / 'cache'}",
            "-oAPT::Sandbox::User=",
        ]
        _run([*apt, "-oAPT::Update::Error-Mode=any", "update"], scratch)
        _run([*apt, "download", PACKAGE], scratch)
        package = next(scratch.glob(f"{PACKAGE}_*.deb"))
        _run(["dpkg-deb", "-x", str(package), str(scratch / "unpacked")], scratch)
        checkout.TOOLS.mkdir(exist_ok=True)
        partial = OWN_BINARY.with_suffix(".partial")
        shutil.copy2(scratch / "unpacked" / _BINARY_IN_PACKAGE, partial)
        partial.replace(OWN_BINARY)
    if version((str(OWN_BINARY),)) is None:
        raise LabError(f"The Compose v2 that was fetched does not run: {OWN_BINARY}.")


def debian_mirror(sources: str, codename: str) -> str | None:
    """The address of Debian's main archive in apt's sources, None where it is not there.

    `sources` is the text of sources.list or of a deb822 `.sources` file; `codename` the
    suite by which the main archive is recognised (`bookworm`, not `bookworm-security`).
    """
    for uris, suites in _entries(sources):
        if codename in suites and "security" not in uris[0]:
            return uris[0]
    return None


def _entries(sources: str) -> Iterator[tuple[list[str], list[str]]]:
    """The (URIs, suites) of every binary entry, in either of apt's two formats."""
    for line in sources.splitlines():
        words = re.sub(r"\[.*?\]", " ", line).split()
        if words[:1] == ["deb"] and len(words) > 2:
            yield [words[1]], [words[2]]
    for paragraph in re.split(r"\n\s*\n", re.sub(r"(?m)^#.*\n?", "", sources)):
        fields = dict(re.findall(r"(?m)^([\w-]+):[ \t]*(.*)$", paragraph))
        if "deb" in fields.get("Types", "").split() and fields.get("URIs"):
            yield fields["URIs"].split(), fields.get("Suites", "").split()


def _mirror() -> str:
    release = _os_release()
    missing = [tool for tool in ("apt-get", "dpkg-deb") if not shutil.which(tool)]
    if release.get("ID") != "debian" or missing or not KEYRING.exists():
        raise LabError(
            "No Compose v2 was found, and it can be fetched on Debian only "
            f"(this is {release.get('PRETTY_NAME', 'not Linux as we know it')}).",
            "Install Docker's Compose plugin: `apt-get install docker-compose-v2` on Ubuntu, "
            "`dnf install docker-compose-plugin` elsewhere; then run this again.",
        )
    apt = Path("/etc/apt")
    files = [apt / "sources.list", *sorted((apt / "sources.list.d").glob("*"))]
    for file in files:
        if file.is_file():
            text = file.read_text(encoding="utf-8", errors="replace")
            mirror = debian_mirror(text, release.get("VERSION_CODENAME", ""))
            if mirror:
                return mirror
    raise LabError(
        "No Compose v2 was found, and apt's sources do not name Debian's main archive.",
        "Add it to /etc/apt/sources.list, or install Docker's Compose plugin by hand.",
    )


def _os_release() -> dict[str, str]:
    path = Path("/etc/os-release")
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    pairs = (line.partition("=") for line in lines if "=" in line)
    return {key: value.strip('"') for key, _, value in pairs}


def _run(command: list[str], directory: Path) -> None:
    done = subprocess.run(
        command,
        cwd=directory,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
    )
    if done.returncode:
        lines = (done.stdout + done.stderr).strip().splitlines()
        raise LabError(
            f"{command[0]} failed while fetching Compose v2: {command[-1]}.",
            "\n".join(lines[-15:]),
        )
