"""The steps of this action.

What a workflow says reaches this program in environment variables alone, and the lab as words of
one command each: no shell ever reads it. Standard library only; it runs before anything is set up.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
"""The lab's own files, beside which GitHub puts those of the workflow's repository."""
LAB = ROOT / ".venv" / "bin" / "lab"
INSTALLED = ROOT / ".venv" / ".installed"
"""What `make setup` touches when all packages are in."""
IMAGES = ROOT / ".cache" / "images.tar"
CACHED = (ROOT / ".venv", ROOT / ".tools", IMAGES)
"""What setting up takes minutes to make."""
MADE_OF = (
    "Makefile",
    "pyproject.toml",
    "requirements*.lock",
    "images/**/*",
    "lab/**/*",
)
ROLE_LABEL = "org.voice-tor-lab.role"
"""All images of the lab have it."""

Environment = Mapping[str, str]


def prepare(environment: Environment) -> int:
    """Choose directories of this use alone, and tell later steps of them."""
    place = Path(tempfile.mkdtemp(prefix="lab-", dir=environment["RUNNER_TEMP"]))
    results = place / "results"
    results.mkdir()
    told = {
        "home": str(place / "home"),
        "results": str(results),
        "artefact": f"lab-{environment['GITHUB_JOB']}-{secrets.token_hex(3)}",
        "key": f"voice-tor-lab-{cache_key()}",
    }
    lines = [f"{name}={value}" for name, value in told.items()]
    lines += ["cached<<END", *map(str, CACHED), "END"]
    with Path(environment["GITHUB_OUTPUT"]).open("a", encoding="utf-8") as output:
        output.writelines(f"{line}\n" for line in lines)
    return 0


def cache_key() -> str:
    """Another one for all that makes what is set up another: a virtual environment has a place."""
    digest = hashlib.sha256(f"{ROOT}\0{sys.executable}\0{sys.version}".encode())
    files = {path for pattern in MADE_OF for path in ROOT.glob(pattern) if path.is_file()}
    for path in sorted(files):
        if "__pycache__" not in path.parts:
            content = path.read_bytes()
            digest.update(f"\0{path.relative_to(ROOT)}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:32]


def setup(_: Environment) -> int:
    """Set up what is missing, and lay the images by where they have not been."""
    if INSTALLED.exists():
        INSTALLED.touch()  # Locks that were just fetched look newer than what was made of them.
    kept = IMAGES.exists()
    if kept and (status := _run("docker", "load", "--quiet", "--input", IMAGES)):
        return status
    if (status := _run("make", "-C", ROOT, "setup")) or kept:
        return status
    IMAGES.parent.mkdir(parents=True, exist_ok=True)
    return _run("docker", "save", "--output", IMAGES, *_images())


def _images() -> list[str]:
    listed = subprocess.run(
        [
            "docker",
            "image",
            "ls",
            "--filter",
            f"label={ROLE_LABEL}",
            "--format",
            "{{.Repository}}:{{.Tag}}",
        ],
        check=True,
        capture_output=True,
        text=True,
    )
    return [name for name in listed.stdout.split() if "<none>" not in name]


def run(environment: Environment) -> int:
    """Run the experiment; the status is the lab's."""
    return _run(LAB, *run_words(environment))


def run_words(environment: Environment) -> list[str]:
    """What the lab is told to run; ValueError for what no workflow may say."""
    return [
        "experiment",
        "run",
        *(["--quick"] if _is_true("quick", environment["QUICK"]) else []),
        f"--jobs={environment['JOBS'].strip()}",
        *expect_words(environment),
        f"--junit={Path(environment['RESULTS'], 'junit.xml')}",
        "--",
        environment["EXPERIMENT"],
    ]


def expect_words(environment: Environment) -> list[str]:
    """The bounds, one a line, as options."""
    return [f"--expect={line}" for line in _lines(environment["EXPECT"])]


def report(environment: Environment) -> int:
    """Write the report; that a bound is not met is for the run to say."""
    _run(LAB, *report_words(environment))
    return 0 if Path(environment["RESULTS"], "report.html").exists() else 1


def report_words(environment: Environment) -> list[str]:
    """What the lab is told for its report."""
    return [
        "report",
        "last",
        "--html",
        f"--out={environment['RESULTS']}",
        *expect_words(environment),
    ]


def bundle(environment: Environment) -> int:
    """Pack the run up."""
    return _run(LAB, *bundle_words(environment))


def bundle_words(environment: Environment) -> list[str]:
    """What the lab is told for its bundle."""
    return [
        "bundle",
        "last",
        f"--artefacts={environment['ARTEFACTS'].strip()}",
        "-o",
        str(Path(environment["RESULTS"], "bundle.tar.gz")),
    ]


def _lines(text: str) -> Iterator[str]:
    return filter(None, (line.strip() for line in text.split("\n")))


def _is_true(name: str, text: str) -> bool:
    """What YAML's truth has become on its way through an input."""
    said = text.strip().lower()
    if said not in ("true", "false", ""):
        raise ValueError(f"the input {name} is true or false, not {text!r}")
    return said == "true"


def _run(*words: str | Path) -> int:
    return subprocess.run(list(map(str, words)), check=False).returncode


STEPS: Mapping[str, Callable[[Environment], int]] = {
    "prepare": prepare,
    "setup": setup,
    "run": run,
    "report": report,
    "bundle": bundle,
}


def main() -> int:
    """Do the step that is named."""
    try:
        return STEPS[sys.argv[1]](os.environ)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
