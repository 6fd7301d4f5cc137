"""Starts the Murmur of a node, with the rights that calls need and no others.

A fresh Murmur lets guests register and write to each other, but open no channel. So before it is
reachable it is started once on 127.0.0.1 alone, and its SuperUser sets the rights of the root
channel: guests may open the channel of their call, and neither write, whisper nor register. All
that needs no network but loopback, so it is done while the node has no routes yet. The arguments
are what stands in front of Murmur's own command, and waits for them.
"""

from __future__ import annotations

import hashlib
import os
import re
import ssl
import subprocess
import sys
import time
from dataclasses import replace
from ipaddress import IPv4Address
from pathlib import Path

from lab.agents.mumble.framing import Kind, message
from lab.agents.mumble.session import ROOT_CHANNEL, Account, RefusedError, Session
from lab.agents.net.connection import ConnectionFailedError
from lab.wire import places
from lab.wire.mumble import MumbleServer

STATE = Path(places.MURMUR_STATE)
MURMUR = "/usr/sbin/murmurd"
START_DEADLINE_S = 15.0
RETRY_S = 0.05
LOCALHOST = IPv4Address("127.0.0.1")
SET_UP_PORT = 64739

_MAKE_TEMPORARY_CHANNEL = 0x400
_WHISPER, _TEXT_MESSAGE, _SELF_REGISTER = 0x100, 0x200, 0x80000
"""Murmur's rights (ACL.h of 1.3)."""


def main() -> None:
    """Entry point of the node, which becomes Murmur."""
    STATE.mkdir(mode=0o700, exist_ok=True)
    password = Path(places.MURMUR_SUPERUSER).read_text().strip()
    set_up = STATE / "set-up.ini"
    lines = Path(places.MURMUR).read_text().splitlines()
    kept = [line for line in lines if not line.startswith(("host=", "port="))]
    set_up.write_text("\n".join([*kept, f"host={LOCALHOST}", f"port={SET_UP_PORT}", ""]))
    subprocess.run(
        [MURMUR, "-fg", "-ini", str(set_up), "-readsupw"],
        input=password + "\n",
        text=True,
        check=False,
    )
    murmur = subprocess.Popen([MURMUR, "-fg", "-ini", str(set_up)])
    try:
        set_rights(password)
    finally:
        murmur.terminate()
        murmur.wait()
    command = [*sys.argv[1:], MURMUR, "-fg", "-ini", str(places.MURMUR)]
    sys.stdout.flush()
    os.execvp(command[0], command)  # noqa: S606 - no shell is wanted


def own_server(files: Path) -> MumbleServer:
    """The Murmur of this node, as its own files have it."""
    settings = dict(
        re.findall(r"^(host|port)=(.+)$", (files / places.MURMUR.name).read_text(), re.M)
    )
    certificate = ssl.PEM_cert_to_DER_cert((files / places.MUMBLE_CERTIFICATE.name).read_text())
    fingerprint = hashlib.sha256(certificate).hexdigest()
    return MumbleServer(IPv4Address(settings["host"]), int(settings["port"]), fingerprint)


def set_rights(password: str) -> None:
    """As SuperUser, replace the rights of the root channel; ConnectionFailedError where not."""
    server = replace(own_server(Path(places.MUMBLE)), address=LOCALHOST, port=SET_UP_PORT)
    account = Account(server, "SuperUser", password=password)
    deadline = time.monotonic() + START_DEADLINE_S
    session = _open(account, deadline)
    try:
        rule = message(
            {
                1: 1,
                2: 1,
                3: 0,
                5: "all",
                6: _MAKE_TEMPORARY_CHANNEL,
                7: _WHISPER | _TEXT_MESSAGE | _SELF_REGISTER,
            }
        )
        session.send(Kind.ACL, message({1: ROOT_CHANNEL, 2: 1, 4: rule, 5: 0}))
        # A ping is answered after what came before it: then the rights are in force.
        answered = len(session.round_trips_ms)
        session.keep_alive()
        session.wait(
            lambda: len(session.round_trips_ms) > answered, "for the rights to be set", deadline
        )
    finally:
        session.close()


def _open(account: Account, deadline: float) -> Session:
    """Connect as soon as Murmur listens."""
    while True:
        try:
            return Session.open(account, deadline, lambda _: None)
        except ConnectionFailedError:
            if time.monotonic() >= deadline - RETRY_S:
                raise
            time.sleep(RETRY_S)
        except RefusedError as error:
            raise ConnectionFailedError(f"Murmur refuses its SuperUser: {error}") from error


if __name__ == "__main__":
    main()
