"""What every tor of a lab has in common: its files, its directory, and how it is started."""

from __future__ import annotations

import argparse
import base64
import http.client
import json
import os
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

CONFIG = Path("/run/lab/tor")
"""Read-only: torrc, network.json and, for a relay, keys."""
DATA = Path("/var/lib/tor/data")
REQUEST_TIMEOUT_S = 2.0
AUTHORITY_RUNS = "the authority's tor runs"
"""What the authority's log says as soon as it does."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a tor finds its configuration and keeps its data."""

    config: Path
    data: Path

    @property
    def control_socket(self) -> Path:
        """The unix socket on which the tor is controlled."""
        return self.data / "control"


@dataclass(frozen=True, slots=True)
class Network:
    """The private Tor network as one node is told of it (`network.json`)."""

    node: str
    authority: bool
    directory: str
    """`address:port` of the authority's directory."""
    voting_interval_s: int
    relays: dict[str, str]
    """Node name to fingerprint, of every relay."""


def place_from(arguments: list[str] | None = None) -> Place:
    """The command line: only tests run a tor anywhere but in its node's directories."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", type=Path, default=CONFIG)
    parser.add_argument("--data", type=Path, default=DATA)
    options = parser.parse_args(arguments)
    return Place(options.config, options.data)


def read_network(place: Place) -> Network:
    """The node's `network.json`."""
    return Network(**json.loads((place.config / "network.json").read_text()))


def prepare_data(place: Place) -> None:
    """Make the data directory as private as tor demands and put the relay's keys into it."""
    place.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    keys = place.config / "keys"
    if not keys.is_dir():
        return
    target = place.data / "keys"
    target.mkdir(mode=0o700, exist_ok=True)
    for key in keys.iterdir():
        shutil.copyfile(key, target / key.name)
        (target / key.name).chmod(0o600)


def become_tor(place: Place, *options: str) -> None:
    """Replace this process by tor; `options` are more command-line options of tor."""
    sys.stdout.flush()
    os.execvp("tor", [*tor_command(place), *options])  # noqa: S606


def tor_command(place: Place) -> list[str]:
    """The command line of the tor in `place`."""
    return [
        *("tor", "--defaults-torrc", "/dev/null", "-f", str(place.config / "torrc")),
        *("--DataDirectory", str(place.data), "--ControlSocket", str(place.control_socket)),
    ]


def run_beside(task: Callable[[], None]) -> None:
    """Run `task` in a process of its own that init will reap, so that this one can become tor."""
    if child := os.fork():
        os.waitpid(child, 0)
        return
    if os.fork():
        os._exit(0)
    try:
        task()
    except Exception as error:
        say(f"{type(error).__name__}: {error}")
    finally:
        sys.stdout.flush()
        os._exit(0)


def fetch(directory: str, path: str) -> bytes | None:
    """One document from the authority's directory, empty where it has none.

    None where the authority does not answer.
    """
    connection = http.client.HTTPConnection(directory, timeout=REQUEST_TIMEOUT_S)
    try:
        connection.request("GET", path, headers={"Accept-Encoding": "identity"})
        response = connection.getresponse()
        document = response.read()
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    return document if response.status == http.HTTPStatus.OK else b""


def consensus_relays(consensus: bytes) -> set[str]:
    """The fingerprints in a consensus (dir-spec, "r" lines)."""
    return {
        base64.b64decode(line.split()[2] + "=").hex().upper()
        for line in consensus.decode("utf-8", "replace").splitlines()
        if line.startswith("r ")
    }


def say(text: str) -> None:
    """One line in the node's log."""
    print(f"{time.strftime('%H:%M:%S')} lab: {text}", flush=True)
