"""Captures at one point: when they listen, and what they counted."""

from __future__ import annotations

import fcntl
import re
import signal
import socket
import struct
import subprocess
import threading
from collections.abc import Sequence
from contextlib import suppress
from ipaddress import IPv4Address
from pathlib import Path
from typing import Literal

from lab.agents.probe.merge import merge_captures
from lab.wire.probe import CaptureCounts, CapturePoint
from lab.wire.shape import Direction, delay_device

SIOCGIFADDR = 0x8915
"""<linux/sockios.h>, see netdevice(7)."""
BUFFER_KIB = 8192
SNAPSHOT_BYTES = 2048
"""All of a packet on links with an MTU of 1500, and of segments that offloading has joined, what
identifies them. The kernel's buffer has a place of this size for every packet, however short: with
tcpdump's usual 256 KiB it held 128 packets, and a stall of this host soon lost one."""
LISTENS = "listening on"
COMPLAINT = "tcpdump: "
"""How tcpdump begins the lines in which it says anything but what it has counted."""
START_DEADLINE_S = 10
STOP_DEADLINE_S = 5


CaptureWay = Literal["in", "out"]
"""tcpdump's words for what comes in by a device, and what leaves by it."""


class CaptureError(Exception):
    """A capture does not run; the message names its point and what tcpdump says."""


class Capture:
    """What passes one point: of a link that takes time, what was sent before the way, and what
    was received behind it."""

    def __init__(self, where: CapturePoint) -> None:
        """Start it; CaptureError where there is no such interface."""
        self._file = Path(where.file)
        devices = devices_of(where.interface, where.address)
        self._files = [self._file]
        if len(devices) > 1:
            self._files = [self._file.with_suffix(f".{part}") for part, _ in enumerate(devices)]
        self._dumps = [
            Tcpdump(where.point, device, way, file, where.filter)
            for (device, way), file in zip(devices, self._files, strict=True)
        ]

    def wait_until_listening(self) -> None:
        """Return when every packet is captured; CaptureError where that does not come about."""
        for dump in self._dumps:
            dump.wait_until_listening()

    def stop(self) -> CaptureCounts:
        """End the capture as ^C would."""
        counts = [dump.stop() for dump in self._dumps]
        if len(self._files) > 1:
            merge_captures(self._files, self._file)
        return in_all(counts)


class Tcpdump:
    """One running tcpdump and what it says."""

    def __init__(
        self, point: str, device: str, way: CaptureWay | None, file: Path | None, packets: str
    ) -> None:
        """Capture on `device`, all or only what comes in there; without a file into a `pipe`."""
        self._point = point
        self._remarks: list[str] = []
        self._listens = False
        self._answered = threading.Event()
        """Set once it listens, or has ended without."""
        command = ["tcpdump", "-n", "-U", "-B", str(BUFFER_KIB)]
        command += ["-s", str(SNAPSHOT_BYTES), "--immediate-mode", "--time-stamp-precision=nano"]
        command += ["-Q", way] if way else []
        command += ["-i", device, "-w", "-" if file is None else str(file)]
        command += [packets] if packets else []
        self._process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE if file is None else None,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._follower = threading.Thread(target=self._follow, daemon=True)
        self._follower.start()

    def wait_until_listening(self) -> None:
        """Return when every packet is captured; CaptureError where that does not come about."""
        answered = self._answered.wait(START_DEADLINE_S)
        if not self._listens:
            seen = "ended" if answered else f"did not listen within {START_DEADLINE_S} s"
            raise self._error(seen, self._remarks)

    @property
    def pipe(self) -> int:
        """The descriptor from which its file is to be read, where it has none."""
        assert self._process.stdout
        return self._process.stdout.fileno()

    def interrupt(self) -> None:
        """Have it end as ^C would; what it has still to write to a `pipe` can be read."""
        self._process.send_signal(signal.SIGINT)

    def ended(self) -> CaptureError:
        """Why it has ended by itself, which its `pipe` has told."""
        self._follower.join(STOP_DEADLINE_S)
        complaints = (line for line in self._remarks if line.startswith(COMPLAINT))
        said = [line.removeprefix(COMPLAINT) for line in complaints if LISTENS not in line]
        return self._error("ended", said)

    def kill(self) -> None:
        """End it without a word."""
        self._process.kill()
        self._process.wait()

    def stop(self) -> CaptureCounts:
        """End the capture as ^C would."""
        self.interrupt()
        self._process.wait(STOP_DEADLINE_S)
        # Its last words, the counts among them, may not have been read yet.
        self._follower.join(STOP_DEADLINE_S)
        text = "\n".join(self._remarks)
        return CaptureCounts(
            captured=counted(r"(\d+) packets? captured", text),
            dropped=counted(r"(\d+) packets? dropped by kernel", text),
        )

    def _error(self, seen: str, said: Sequence[str]) -> CaptureError:
        words = f": {' '.join(said)}" if said else ""
        return CaptureError(f"tcpdump at {self._point} {seen}{words}")

    def _follow(self) -> None:
        """Read tcpdump's remarks until it ends."""
        assert self._process.stderr
        for line in self._process.stderr:
            self._remarks.append(line.strip())
            if LISTENS in line:
                self._listens = True
                self._answered.set()
        self._answered.set()


def in_all(counts: Sequence[CaptureCounts]) -> CaptureCounts:
    """What several captures counted; None where one did not say."""
    return CaptureCounts(
        captured=_sum([count.captured for count in counts]),
        dropped=_sum([count.dropped for count in counts]),
    )


def _sum(counts: Sequence[int | None]) -> int | None:
    """Together; None where one is not known."""
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None


def counted(pattern: str, text: str) -> int | None:
    """The number that a program said where `pattern` has its group; None where it did not."""
    match = re.search(pattern, text)
    return int(match[1]) if match else None


def devices_of(
    interface: str | None, address: IPv4Address | None
) -> list[tuple[str, CaptureWay | None]]:
    """The devices to listen on, and whether for one direction alone.

    The interface of that name, or else the one that has the address. What a delay line sends on
    passes the link's own device unseen, and what it lets in late has passed there too early.
    CaptureError where no interface has the address.
    """
    if interface is not None:
        return [(interface, None)]
    link = _interface_of(address)
    present = {name for _, name in socket.if_nameindex()}
    sends, receives = (delay_device(link, way) for way in (Direction.OUT, Direction.IN))
    if sends not in present and receives not in present:
        return [(link, None)]
    return [
        (receives if receives in present else link, "in"),
        (sends if sends in present else link, "out"),
    ]


def _interface_of(address: IPv4Address | None) -> str:
    """Asked of the kernel directly: to import pyroute2 takes longer than all else a probe does."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        for _, name in socket.if_nameindex():
            request = struct.pack("256s", name.encode())
            with suppress(OSError):  # An interface without an address.
                answer = fcntl.ioctl(asking, SIOCGIFADDR, request)
                if IPv4Address(answer[20:24]) == address:
                    return name
    raise CaptureError(f"no interface of this node has the address {address}")
