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
        devices = [(where.interface, None)] if where.interface else _devices_of(where)
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
        return CaptureCounts(
            captured=_sum([count.captured for count in counts]),
            dropped=_sum([count.dropped for count in counts]),
        )


class Tcpdump:
    """One running tcpdump and what it says."""

    def __init__(
        self, point: str, device: str, way: CaptureWay | None, file: Path, packets: str
    ) -> None:
        """Capture on `device`, all or only what comes in there."""
        self._point = point
        self._remarks: list[str] = []
        self._listens = False
        self._answered = threading.Event()
        """Set once it listens, or has ended without."""
        command = ["tcpdump", "-n", "-U", "-B", str(BUFFER_KIB)]
        command += ["-s", str(SNAPSHOT_BYTES), "--immediate-mode", "--time-stamp-precision=nano"]
        command += ["-Q", way] if way else []
        command += ["-i", device, "-w", str(file), packets]
        self._process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        self._follower = threading.Thread(target=self._follow, daemon=True)
        self._follower.start()

    def wait_until_listening(self) -> None:
        """Return when every packet is captured; CaptureError where that does not come about."""
        answered = self._answered.wait(START_DEADLINE_S)
        if not self._listens:
            seen = "ended" if answered else f"did not listen within {START_DEADLINE_S} s"
            said = f": {' '.join(self._remarks)}" if self._remarks else ""
            raise CaptureError(f"tcpdump at {self._point} {seen}{said}")

    def stop(self) -> CaptureCounts:
        """End the capture as ^C would."""
        self._process.send_signal(signal.SIGINT)
        self._process.wait(STOP_DEADLINE_S)
        # Its last words, the counts among them, may not have been read yet.
        self._follower.join(STOP_DEADLINE_S)
        text = "\n".join(self._remarks)
        return CaptureCounts(
            captured=counted(r"(\d+) packets? captured", text),
            dropped=counted(r"(\d+) packets? dropped by kernel", text),
        )

    def _follow(self) -> None:
        """Read tcpdump's remarks until it ends."""
        assert self._process.stderr
        for line in self._process.stderr:
            self._remarks.append(line.strip())
            if "listening on" in line:
                self._listens = True
                self._answered.set()
        self._answered.set()


def _sum(counts: Sequence[int | None]) -> int | None:
    """Together; None where one is not known."""
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None


def counted(pattern: str, text: str) -> int | None:
    """The number that a program said where `pattern` has its group; None where it did not."""
    match = re.search(pattern, text)
    return int(match[1]) if match else None


def _devices_of(where: CapturePoint) -> list[tuple[str, CaptureWay | None]]:
    """The devices to listen on, and whether for what comes in alone.

    What a delay line sends on passes the link's own device unseen, and what it lets in late has
    passed there too early.
    """
    link = _interface_of(where)
    present = {name for _, name in socket.if_nameindex()}
    sends, receives = (delay_device(link, way) for way in (Direction.OUT, Direction.IN))
    if sends not in present and receives not in present:
        return [(link, None)]
    return [
        (receives if receives in present else link, "in"),
        (sends if sends in present else link, "out"),
    ]


def _interface_of(where: CapturePoint) -> str:
    """Asked of the kernel directly: to import pyroute2 takes longer than all else a probe does."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        for _, name in socket.if_nameindex():
            request = struct.pack("256s", name.encode())
            with suppress(OSError):  # An interface without an address.
                answer = fcntl.ioctl(asking, SIOCGIFADDR, request)
                if IPv4Address(answer[20:24]) == where.address:
                    return name
    raise CaptureError(f"no interface of this node has the address {where.address}")
