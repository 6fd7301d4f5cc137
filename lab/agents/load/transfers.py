"""Runs parallel endless transfers by wget, each with its own connection, and counts their bytes.

They start one after the other at equal intervals, through Tor with a circuit each where there is
a SOCKS port.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterable
from ipaddress import IPv4Address
from pathlib import Path
from urllib.parse import urlsplit

from lab.agents.load.streams import Streams, end_all, serve
from lab.agents.net.sockets import tcp_sockets
from lab.wire.line import Line
from lab.wire.load import TRANSFERS, Death, Transfer
from lab.wire.sockets import TcpSocket, TcpState

IO_TIMEOUT_S = 120
"""After so long without a byte, or without a connection, wget gives up."""
UPLOAD_BYTES = 2**40


class Transfers(Streams):
    """All transfers of one load."""

    def __init__(self, order: Transfer, directory: Path) -> None:
        super().__init__(order.count)
        self.processes: list[subprocess.Popen[bytes]] = []
        self._order = order
        self._directory = directory
        self._counted: list[int] = []
        self._ended: set[int] = set()

    def start_next(self) -> None:
        """See `Streams`."""
        with self._log(len(self.processes)).open("wb") as log:
            process = subprocess.Popen(
                wget_command(self._order),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
            )
        self.processes.append(process)
        self._counted.append(0)

    def connected(self) -> int:
        """Connections that the kernel shows as established."""
        return established(tcp_sockets(), *destination(self._order))

    def counted_bytes(self) -> list[int]:
        """Bytes received; of uploads, those given to the kernel, see `lab.agents.load.arrivals`."""
        for number, process in enumerate(self.processes):
            self._counted[number] = max(self._counted[number], written_bytes(process.pid))
        return list(self._counted)

    def deaths(self, now: float) -> list[Death]:
        """See `Streams`."""
        found = []
        for number, process in enumerate(self.processes):
            if number not in self._ended and process.poll() is not None:
                self._ended.add(number)
                words = self._log(number).read_text(errors="replace").split("\n")
                reason = next((line for line in reversed(words) if line.strip()), "")
                found.append(Death(number, now, reason or f"status {process.returncode}"))
        return found

    def _log(self, number: int) -> Path:
        return self._directory / f"{number}.log"


def written_bytes(pid: int) -> int:
    """All that a process has written; of wget /dev/null or its socket, and a few words of log."""
    try:
        text = Path(f"/proc/{pid}/io").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return int(text.split("wchar:")[1].split()[0])


def wget_command(order: Transfer) -> list[str]:
    """The command line of one transfer; it never tries again, so that its end is seen."""
    command = ["wget", "--no-verbose", "--tries=1", f"--timeout={IO_TIMEOUT_S}", "-O", os.devnull]
    if order.upload:
        command.append(f"--post-file={order.upload}")
    command.append(order.url)
    if order.socks_port:
        # Isolated: a SOCKS user of its own, and so a circuit of its own.
        command = ["torsocks", "--isolate", "--port", str(order.socks_port), *command]
    return command


def destination(order: Transfer) -> tuple[IPv4Address, int]:
    """Whom the transfers connect to, as the kernel's table shows it."""
    if order.socks_port:
        return IPv4Address("127.0.0.1"), order.socks_port
    url = urlsplit(order.url)
    return IPv4Address(str(url.hostname)), url.port or 80


def established(sockets: Iterable[TcpSocket], address: IPv4Address, port: int) -> int:
    """How many connections to that address are established."""
    return sum(
        each.state is TcpState.ESTABLISHED and (each.far, each.far_port) == (address, port)
        for each in sockets
    )


def main() -> None:
    """Serve one load."""
    line = Line(TRANSFERS)
    order = line.hear_first(Transfer)
    if order is None:
        return
    if order.upload:
        Path(order.upload).touch()
        os.truncate(order.upload, UPLOAD_BYTES)
    with tempfile.TemporaryDirectory() as directory:
        transfers = Transfers(order, Path(directory))
        try:
            serve(line, transfers, order.spacing_s)
        finally:
            end_all(transfers.processes)


if __name__ == "__main__":
    main()
