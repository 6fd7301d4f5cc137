"""Reads and changes tables of this network namespace: standard library only.

`rtnetlink(7)`; what each table holds is in <linux/rtnetlink.h>, <linux/if_link.h> and
<linux/pkt_sched.h>. Reading needs no capability, changing CAP_NET_ADMIN. Programs that do this
are started beside every machine, and importing a library for it (pyroute2) cost each of them
several times the processor time of all else that they do (docs/many-relays.md).
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

LINKS, ADDRESSES, ROUTES, RULES, QDISCS, CLASSES, FILTERS = 18, 22, 26, 34, 38, 42, 46
"""RTM_GET… of each table."""
_TO_NEW, _TO_DELETE = -2, -1
"""From a table's RTM_GET… to its RTM_NEW… and RTM_DEL…."""

ADD, REPLACE, CHANGE = 0x600, 0x500, 0
"""How an entry is set: one that must be new, one in place of what is there, if anything is, and one
that must be there (NLM_F_CREATE with NLM_F_EXCL or NLM_F_REPLACE)."""

TRAFFIC_CONTROL = 8
"""RTMGRP_TC: who joins the group hears of every change of qdiscs, classes and filters."""

_REQUEST_DUMP, _REQUEST_ACK = 0x301, 0x5
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
    RULES: struct.Struct("=BBBBBBBBI"),
    QDISCS: struct.Struct("=BxxxiIII"),
    CLASSES: struct.Struct("=BxxxiIII"),
    FILTERS: struct.Struct("=BxxxiIII"),
}
"""What every entry of a table begins with."""

Attributes = Mapping[int, bytes]


class NetlinkError(OSError):
    """The kernel refuses a request; `errno` says why."""


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

    NetlinkError where the kernel refuses.
    """
    body = _BODIES[table]
    request = body.pack(*(fields or (0,) * len(body.unpack(bytes(body.size)))))
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as kernel:
        kernel.send(_message(table, _REQUEST_DUMP, request))
        return tuple(_entries(kernel, body))


def put(table: int, how: int, fields: Sequence[int], values: bytes = b"") -> None:
    """Set an entry of `table` (`ADD`, `REPLACE` or `CHANGE` it): what it begins with, attributes.

    NetlinkError where the kernel refuses.
    """
    _request(table + _TO_NEW, how, _BODIES[table].pack(*fields) + values)


def delete(table: int, fields: Sequence[int], values: bytes = b"") -> None:
    """Take the entry out of `table` that begins so; NetlinkError where the kernel refuses."""
    _request(table + _TO_DELETE, 0, _BODIES[table].pack(*fields) + values)


def attribute(kind: int, value: bytes) -> bytes:
    """One attribute as it is sent; the value may be attributes itself."""
    length = _ATTRIBUTE.size + len(value)
    return _ATTRIBUTE.pack(length, kind) + value + bytes(_aligned(length) - length)


def number(kind: int, value: int) -> bytes:
    """An attribute that is a number of 32 bits."""
    return attribute(kind, struct.pack("=I", value))


def text(kind: int, value: str) -> bytes:
    """An attribute that is a string."""
    return attribute(kind, value.encode() + b"\0")


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


def _request(kind: int, how: int, content: bytes) -> None:
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as kernel:
        kernel.send(_message(kind, _REQUEST_ACK | how, content))
        for answer, payload in messages(kernel.recv(_CHUNK_BYTES)):
            if answer == _ERROR:
                _refuse(payload)


def _message(kind: int, flags: int, content: bytes) -> bytes:
    return _HEADER.pack(_HEADER.size + len(content), kind, flags, 1, 0) + content


def _refuse(payload: bytes) -> None:
    """NetlinkError with the code of an answer of that kind; nothing where it is no error."""
    if code := -struct.unpack_from("=i", payload)[0]:
        raise NetlinkError(code, os.strerror(code))


def _entries(kernel: socket.socket, body: struct.Struct) -> Iterator[Entry]:
    while True:
        for kind, payload in messages(kernel.recv(_CHUNK_BYTES)):
            if kind == _DONE:
                return
            if kind == _ERROR:
                _refuse(payload)
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
