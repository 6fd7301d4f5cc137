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

from lab.agents.tor.nodelay import NodelayError, environment_with
from lab.wire import places
from lab.wire.plain import from_plain
from lab.wire.tor_network import TorNetwork

REQUEST_TIMEOUT_S = 2.0


@dataclass(frozen=True, slots=True)
class TorFiles:
    """Where a tor finds its configuration and keeps its data."""

    configuration: Path = Path(places.TOR)
    """Read-only."""
    data: Path = Path(places.TOR_DATA)

    @property
    def torrc(self) -> Path:
        """tor's own configuration."""
        return self.configuration / places.TORRC.name

    @property
    def control_socket(self) -> Path:
        """The unix socket on which the tor is controlled."""
        return self.data / "control"

    @property
    def control_cookie(self) -> Path:
        """What whoever controls the tor has to show."""
        return self.data / "control_auth_cookie"


def files_from(arguments: list[str] | None = None) -> TorFiles:
    """The command line: only tests run a tor anywhere but in its node's directories."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--configuration", type=Path, default=TorFiles().configuration)
    parser.add_argument("--data", type=Path, default=TorFiles().data)
    options = parser.parse_args(arguments)
    return TorFiles(options.configuration, options.data)


def read_network(files: TorFiles) -> TorNetwork:
    """What the node is told of the private network."""
    text = (files.configuration / places.TOR_NETWORK.name).read_text(encoding="utf-8")
    return from_plain(TorNetwork, json.loads(text))


def prepare_data(files: TorFiles) -> None:
    """Make the data directory as private as tor demands and put the relay's keys into it."""
    files.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    keys = files.configuration / places.TOR_KEYS.name
    if not keys.is_dir():
        return
    target = files.data / "keys"
    target.mkdir(mode=0o700, exist_ok=True)
    for key in keys.iterdir():
        shutil.copyfile(key, target / key.name)
        (target / key.name).chmod(0o600)


def become_tor(files: TorFiles, *options: str) -> None:
    """Replace this process by tor; `options` are more command-line options of tor.

    Ends it where the tor is to set TCP_NODELAY and cannot.
    """
    try:
        environment = environment_with(read_network(files).nodelay, files.data)
    except NodelayError as error:
        note(str(error))
        sys.exit(1)
    sys.stdout.flush()
    os.execvpe("tor", [*tor_command(files), *options], environment)  # noqa: S606


def tor_command(files: TorFiles) -> list[str]:
    """The command line of the tor with these files."""
    return [
        *(
            "tor",
            "--defaults-torrc",
            "/dev/null",
            "-f",
            str(files.torrc),
        ),
        *("--DataDirectory", str(files.data), "--ControlSocket", str(files.control_socket)),
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
        note(f"{type(error).__name__}: {error}")
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


def note(text: str) -> None:
    """One line in the node's log, whatever else is written to it at that moment."""
    sys.stdout.write(f"{time.strftime('%H:%M:%S')} lab: {text}\n")
    sys.stdout.flush()
