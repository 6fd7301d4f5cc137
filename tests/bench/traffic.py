"""Sends or receives as much as goes; runs inside a node with nothing but the standard library.

    python3 traffic.py tcp-send ADDRESS PORT      until the receiver closes
    python3 traffic.py udp-send ADDRESS PORT PAYLOAD_BYTES RATE_KBPS SECONDS
    python3 traffic.py udp-beat ADDRESS PORT PACKETS_PER_S SECONDS
    python3 traffic.py tcp-receive PORT SKIP_S SECONDS
    python3 traffic.py udp-receive PORT SKIP_S SECONDS

What beats sends packets of the size of a voice's, with their number, from 0, in the first four
bytes and the time, ns, in the next eight, and prints {"packets"}. A receiver says `ready` on
standard output once it listens. It leaves out the first SKIP_S seconds after the first byte, then
prints {"bytes", "seconds"} of payload.
"""

from __future__ import annotations

import json
import socket
import sys
import time

CHUNK_BYTES = 65536
VOICE_BYTES = 172
"""RTP header and 20 ms of PCMU."""
DEADLINE_S = 30.0


def tcp_send(address: str, port: int) -> None:
    with socket.create_connection((address, port), timeout=DEADLINE_S) as connection:
        data = bytes(CHUNK_BYTES)
        try:
            while True:
                connection.sendall(data)
        except OSError:
            return


def udp_send(address: str, port: int, payload_bytes: int, rate_kbps: int, seconds: float) -> None:
    """Paced in bursts of a millisecond; what the queue refuses is not sent again."""
    data = bytes(payload_bytes)
    interval_s = payload_bytes * 8 / (rate_kbps * 1000)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as endpoint:
        endpoint.connect((address, port))
        endpoint.setblocking(False)
        started = time.monotonic()
        sent = 0
        while (now := time.monotonic() - started) < seconds:
            while sent * interval_s <= now:
                sent += 1
                try:
                    endpoint.send(data)
                except (BlockingIOError, ConnectionRefusedError):
                    continue
            time.sleep(0.001)


def udp_beat(address: str, port: int, packets_per_s: float, seconds: float) -> None:
    packets = round(packets_per_s * seconds)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as endpoint:
        started = time.monotonic()
        for number in range(packets):
            time.sleep(max(0.0, started + number / packets_per_s - time.monotonic()))
            head = number.to_bytes(4, "big") + time.time_ns().to_bytes(8, "big")
            endpoint.sendto(head + bytes(VOICE_BYTES - len(head)), (address, port))
    print(json.dumps({"packets": packets}), flush=True)


def tcp_receive(port: int, skip_s: float, seconds: float) -> None:
    with socket.create_server(("0.0.0.0", port)) as server:
        server.settimeout(DEADLINE_S)
        print("ready", flush=True)
        connection, _ = server.accept()
    with connection:
        connection.settimeout(DEADLINE_S)
        _count(lambda: len(connection.recv(CHUNK_BYTES)), skip_s, seconds)


def udp_receive(port: int, skip_s: float, seconds: float) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as endpoint:
        endpoint.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * 2**20)
        endpoint.bind(("0.0.0.0", port))
        endpoint.settimeout(DEADLINE_S)
        print("ready", flush=True)
        _count(lambda: len(endpoint.recv(CHUNK_BYTES)), skip_s, seconds)


def _count(receive, skip_s: float, seconds: float) -> None:  # type: ignore[no-untyped-def]
    receive()
    begins = time.monotonic() + skip_s
    while (start := time.monotonic()) < begins:
        receive()
    counted = 0
    while (now := time.monotonic()) < start + seconds:
        counted += receive()
        now = time.monotonic()
    print(json.dumps({"bytes": counted, "seconds": now - start}), flush=True)


def main() -> None:
    kind, *rest = sys.argv[1:]
    match kind:
        case "tcp-send":
            tcp_send(rest[0], int(rest[1]))
        case "udp-send":
            udp_send(rest[0], int(rest[1]), int(rest[2]), int(rest[3]), float(rest[4]))
        case "udp-beat":
            udp_beat(rest[0], int(rest[1]), float(rest[2]), float(rest[3]))
        case "tcp-receive":
            tcp_receive(int(rest[0]), float(rest[1]), float(rest[2]))
        case "udp-receive":
            udp_receive(int(rest[0]), float(rest[1]), float(rest[2]))


if __name__ == "__main__":
    main()
