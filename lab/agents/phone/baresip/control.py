"""The connection to baresip's module `ctrl_tcp`: JSON objects, each in a netstring, and some prose.

A netstring is the length in decimal digits, a colon, the bytes and a comma.
"""

from __future__ import annotations

import json
import re
import select
import socket
import time
from dataclasses import dataclass

from lab.wire.phone import PacketCounts

_RETRY_S = 0.02
_CHUNK_BYTES = 65536
_ENCODER = re.compile(r"encode: (\S+) (\d+)Hz/\d+ch ptime=(\d+)ms")
_PLAYOUT = re.compile(r" rx: .*?\(cur ([\d.]+)ms, max [\d.]+ms, or (\d+), ur (\d+)\)", re.DOTALL)
_DISCARDED = re.compile(r"n_discard:(\d+)")
_STREAM = re.compile(r"pt_enc=(-?\d+)\n local: \S+, remote: ([\d.]+:\d+)/")
_SENT = re.compile(r"TX: packets=(\d+)")
_LOST = re.compile(r"lost=(-?\d+) Jitter")
_RECEIVED = re.compile(r"rcvd=(\d+)")


class ControlError(Exception):
    """The connection could not be made, or has ended."""


@dataclass(frozen=True, slots=True)
class Message:
    """An event of baresip, or its response to a command."""

    kind: str
    """The event's type, or the command that was answered."""
    text: str
    """The event's parameter, or the response's data."""
    ok: bool = True
    """Of a response: whether the command was obeyed."""
    peer: str = ""
    call_id: str = ""


def read_message(body: bytes) -> Message:
    """One message as baresip writes it."""
    told = json.loads(body)
    if "type" in told:
        return Message(
            told["type"],
            told.get("param", ""),
            peer=told.get("peeruri", ""),
            call_id=told.get("id", ""),
        )
    return Message(told.get("token", ""), told.get("data", ""), told.get("ok", False))


class Control:
    """Commands to one baresip; its responses and events."""

    def __init__(self, port: int, deadline_s: float) -> None:
        """Connect as soon as it listens; ControlError where it does not within `deadline_s`."""
        end = time.monotonic() + deadline_s
        while True:
            try:
                self._socket = socket.create_connection(("127.0.0.1", port), timeout=deadline_s)
                break
            except OSError as error:
                if time.monotonic() >= end:
                    raise ControlError(f"baresip takes no orders: {error}") from None
                time.sleep(_RETRY_S)
        self._buffer = b""

    def send(self, command: str, params: str | None = None) -> None:
        """Hand one command over; its name comes back as the response's `token`."""
        message = {"command": command, "token": command}
        if params is not None:
            message["params"] = params
        body = json.dumps(message).encode()
        try:
            self._socket.sendall(b"%d:%s," % (len(body), body))
        except OSError as error:
            raise ControlError(f"baresip does not listen any more: {error}") from None

    def messages(self, timeout_s: float) -> list[Message]:
        """What has come by now, waiting up to `timeout_s` for the first.

        ControlError where baresip has closed the connection.
        """
        while select.select([self._socket], [], [], timeout_s)[0]:
            chunk = self._socket.recv(_CHUNK_BYTES)
            if not chunk:
                raise ControlError("baresip has closed its control connection")
            self._buffer += chunk
            timeout_s = 0
        found, self._buffer = split_netstrings(self._buffer)
        return [read_message(body) for body in found]

    def close(self) -> None:
        """Let go of the connection."""
        self._socket.close()


def sip_answer(told: str) -> tuple[int, str]:
    """Status and reason of a SIP answer as baresip tells it; 0 and the text where it is none."""
    answer = re.fullmatch(r"(\d{3}) (.*)", told)
    return (int(answer[1]), answer[2]) if answer else (0, told)


def split_netstrings(data: bytes) -> tuple[list[bytes], bytes]:
    """The contents of the whole netstrings at the beginning of `data`, and what is left."""
    found: list[bytes] = []
    while True:
        digits, colon, rest = data.partition(b":")
        if not colon or len(rest) <= int(digits):
            return found, data
        found.append(rest[: int(digits)])
        data = rest[int(digits) + 1 :]


@dataclass(frozen=True, slots=True)
class Figures:
    """A call's media and its counters, as baresip 1.0 prints them for `audio_debug`."""

    codec: str
    sample_rate_hz: int
    ptime_ms: int
    payload_type: int
    remote_rtp: str
    """`address:port` the voice is sent to."""
    waiting_ms: float
    """The voice that waits to be played."""
    counts: PacketCounts


def read_figures(text: str) -> Figures | None:
    """The figures in an answer; None before there are media."""
    encoder, playout, stream = (p.search(text) for p in (_ENCODER, _PLAYOUT, _STREAM))
    if encoder is None or playout is None or stream is None or int(stream[1]) < 0:
        return None
    return Figures(
        codec=encoder[1],
        sample_rate_hz=int(encoder[2]),
        ptime_ms=int(encoder[3]),
        payload_type=int(stream[1]),
        remote_rtp=stream[2],
        waiting_ms=float(playout[1]),
        counts=PacketCounts(
            tx_packets=_number(_SENT, text),
            rx_packets=_number(_RECEIVED, text),
            # RTCP counts duplicates as well, which can make it negative (RFC 3550, A.3).
            rx_lost=max(0, _number(_LOST, text)),
            rx_reordered=None,
            rx_duplicates=None,
            rx_discarded=_number(_DISCARDED, text),
            playout_frames_lost=None,
            playout_frames_discarded=int(playout[2]),
            playout_frames_empty=int(playout[3]),
            playout_delay_ms_mean=None,
            playout_delay_ms_max=None,
        ),
    )


def _number(pattern: re.Pattern[str], text: str) -> int:
    found = pattern.search(text)
    return int(found[1]) if found else 0
