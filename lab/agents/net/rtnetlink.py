"""Reads tables of this network namespace from the kernel: standard library only, no capability.

`rtnetlink(7)`; what each table holds is in <linux/rtnetlink.h>, <linux/if_link.h> and
<linux/pkt_sched.h>. Importing pyroute2, which changes these tables, takes longer than a dump.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

LINKS, ADDRESSES, ROUTES, QDISCS, CLASSES, FILTERS = 18, 22, 26, 38, 42, 46
"""RTM_GET… of each table."""

TRAFFIC_CONTROL = 8
"""RTMGRP_TC: who joins the group hears of every change of qdiscs, classes and filters."""

_REQUEST_DUMP = 0x301
_ERROR, _DONE = 2, 3
_HEADER = struct.Struct("=IHHII")
_ATTRIBUTE = struct.Struct("=HH")
_KIND_MASK = 0x3FFF
"""Without NLA_F_NESTED and NLA_F_NET_BYTEORDER."""
_CHUNK_BYTES = 65536

_BODIES = {
    LINKS: struct.Struct("=BxHiII"),
    ADDRESSES: struct.Struct("=BBBBI"),
    ROUTES: struct.Struct("=BBBBBBBBI"),
    QDISCS: struct.Struct("=BxxxiIII"),
    CLASSES: struct.Struct("=BxxxiIII"),
    FILTERS: struct.Struct("=BxxxiIII"),
}
"""What every entry of a table begins with."""

Attributes = Mapping[int, bytes]


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a table."""

    fields: tuple[int, ...]
    """What it begins with: struct ifinfomsg, ifaddrmsg, rtmsg or tcmsg."""
    attributes: Attributes

    def text(self, attribute: int) -> str:
        """A string attribute; empty where it is not there."""
        return self.attributes.get(attribute, b"").rstrip(b"\0").decode()


def dump(table: int, *fields: int) -> tuple[Entry, ...]:
    """Every entry of `table`; `fields` are what the request begins with, all zero by default.

    OSError where the kernel refuses.
    """
    body = _BODIES[table]
    request = body.pack(*(fields or (0,) * len(body.unpack(bytes(body.size)))))
    header = _HEADER.pack(_HEADER.size + len(request), table, _REQUEST_DUMP, 1, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as kernel:
        kernel.send(header + request)
        return tuple(_entries(kernel, body))


def join(groups: int) -> socket.socket:
    """Have the kernel tell of changes in this network namespace from now on; see `count_told`."""
    kernel = socket.socket(
        socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.NETLINK_ROUTE
    )
    kernel.bind((0, groups))
    return kernel


def count_told(kernel: socket.socket) -> int:
    """How many changes have been told; where there were more than the socket holds, some."""
    told = 0
    while True:
        try:
            told += sum(1 for _ in messages(kernel.recv(_CHUNK_BYTES)))
        except BlockingIOError:
            return told
        except OSError as error:
            if error.errno != errno.ENOBUFS:
                raise
            told += 1


def _entries(kernel: socket.socket, body: struct.Struct) -> Iterator[Entry]:
    while True:
        for kind, payload in messages(kernel.recv(_CHUNK_BYTES)):
            if kind == _DONE:
                return
            if kind == _ERROR:
                code = -struct.unpack_from("=i", payload)[0]
                raise OSError(code, os.strerror(code))
            yield Entry(body.unpack_from(payload), attributes(payload[body.size :]))


def messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Type and payload of each netlink message in what one read gave."""
    while len(data) >= _HEADER.size:
        length, kind, *_ = _HEADER.unpack_from(data)
        yield kind, data[_HEADER.size : length]
        data = data[_aligned(length) :]


def attributes(data: bytes) -> dict[int, bytes]:
    """Attribute → its value; nested ones are read by another call."""
    found: dict[int, bytes] = {}
    while len(data) >= _ATTRIBUTE.size:
        length, kind = _ATTRIBUTE.unpack_from(data)
        found[kind & _KIND_MASK] = data[_ATTRIBUTE.size : length]
        data = data[_aligned(max(length, _ATTRIBUTE.size)) :]
    return found


def _aligned(length: int) -> int:
    return (length + 3) & ~3
