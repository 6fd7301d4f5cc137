"""Python packages for the images: downloaded and unpacked on the host, never in a build.

Inside `docker build` pip has neither the host's proxy nor its certificates. So the locked
wheels of an image (`wheels.txt`, pip's requirements format with hashes) are fetched here
for the image's Python and unpacked into a directory that a Dockerfile only has to copy.
"""

from __future__ import annotations

import hashlib
import logging
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from lab import checkout
from lab.errors import LabError

log = logging.getLogger(__name__)

IMAGE_PYTHON = "3.11"
"""The Python of Debian 12, on which every image stands."""
BUILD_HERE = ("--no-deps", "--no-build-isolation", "--use-pep517")
"""pip's options for a source package: built with the locked setuptools of this environment."""
_IMAGE_GLIBC_MINOR = 36
_OLDEST_GLIBC_MINOR = 17


def unpacked(lock: Path) -> Path:
    """The directory with the packages of `lock` unpacked; fetched first where it is missing.

    LabError where the download fails or a package has no wheel for the images.
    """
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()[:12]
    target = checkout.CACHE / "packages" / f"{lock.parent.name}-{digest}"
    if target.is_dir():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        wheels = download(lock, Path(scratch) / "wheels")
        tree = Path(scratch) / "tree"
        pip(
            lock,
            "install",
            "--no-deps",
            "--no-compile",
            "--no-index",
            f"--target={tree}",
            *_image_platform(),
            "--only-binary=:all:",
            *(str(path) for path in wheels),
        )
        shutil.rmtree(tree / "bin", ignore_errors=True)
        tree.rename(target)
    return target


def download(lock: Path, directory: Path) -> list[Path]:
    """Fetch the wheels that `lock` pins, for the images' Python, into `directory`.

    A package that is published as source only is built here, which must give a wheel that
    runs anywhere; LabError otherwise.
    """
    directory.mkdir(parents=True)
    options = ["--require-hashes", f"--requirement={lock}", f"--dest={directory}"]
    pip(lock, "download", *BUILD_HERE, *options, *_image_platform())
    for source in [path for path in directory.iterdir() if path.suffix != ".whl"]:
        pip(lock, "wheel", *BUILD_HERE, f"--wheel-dir={directory}", str(source))
        source.unlink()
        name = source.name.split("-")[0]
        if not any(directory.glob(f"{name}-*-none-any.whl")):
            raise LabError(f"{name} of {lock} has no wheel that runs on any machine.")
    return sorted(directory.glob("*.whl"))


def _image_platform() -> list[str]:
    machine = platform.machine()
    minors = range(_IMAGE_GLIBC_MINOR, _OLDEST_GLIBC_MINOR - 1, -1)
    tags = [f"manylinux_2_{minor}_{machine}" for minor in minors] + [f"manylinux2014_{machine}"]
    return [
        "--implementation=cp",
        f"--python-version={IMAGE_PYTHON}",
        *(f"--platform={tag}" for tag in tags),
    ]


def pip(lock: Path, *arguments: str) -> None:
    """Run pip of this Python for the packages of `lock`; LabError with its last lines."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments]
    log.debug("%s", " ".join(command))
    done = subprocess.run(
        command, capture_output=True, encoding="utf-8", errors="replace", check=False
    )
    if done.returncode:
        lines = (done.stdout + done.stderr).strip().splitlines()
        raise LabError(
            f"pip could not {arguments[0]} the packages of {lock}.",
            "\n".join(lines[-15:]),
        )
