"""Two forwarders' carriers over real connections: what is carried, repeated, taken once, lost."""

from __future__ import annotations

import select
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from lab.agents.paths.carrier import Carrier
from lab.agents.paths.connecting import greeted, greeting
from lab.agents.paths.path import MOST_WAITING_BYTES, Path
from lab.agents.paths.policies import layout_of
from lab.wire.paths import Carriage, Policy

KEY = "00" * 16
WAIT_S = 5.0


def pair() -> tuple[socket.socket, socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        near = socket.create_connection(server.getsockname())
        far, _ = server.accept()
    return near, far


@contextmanager
def carriers(policy: Policy, paths: int, nodelay: bool = True) -> Iterator[tuple[Carrier, Carrier]]:
    carriage, layout = Carriage(paths, policy, nodelay, KEY), layout_of(policy, paths)
    with ExitStack() as stack:
        pairs = [pair() for _ in range(paths)]
        for each in pairs:
            for sock in each:
                stack.callback(sock.close)
        near, far = (
            [Path(each[side], layout, nodelay=nodelay) for each in pairs] for side in (0, 1)
        )
        yield Carrier(carriage, near), Carrier(carriage, far)


def came(carrier: Carrier, path: int) -> list[bytes]:
    connection = carrier.paths[path].connection
    assert select.select([connection], [], [], WAIT_S)[0]
    return carrier.came(path)


def test_duplicates_are_handed_over_once_by_whichever_path_is_first() -> None:
    with carriers(Policy.DUPLICATE, 2) as (near, far):
        near.carry(b"one")
        assert came(far, 1) == [b"one"]
        assert came(far, 0) == []
        told = far.told()
        assert (told.given_packets, told.duplicate_packets, told.lost_packets) == (1, 1, 0)
        assert [path.first_packets for path in told.paths] == [0, 1]
        assert all(path.received_frames == 1 for path in told.paths)
        assert all(0 <= path.delay_ms["max"] < 1000 * WAIT_S for path in told.paths)


def test_alternating_repeats_what_went_over_the_other_path() -> None:
    with carriers(Policy.ALTERNATE, 2) as (near, far):
        for payload in (b"one", b"two", b"three"):
            near.carry(payload)
        assert came(far, 1) == [b"one", b"two"], "the repetition goes before what it came with"
        assert came(far, 0) == [b"three"], "and the first one is a copy by now"
        told = far.told()
        assert (told.given_packets, told.repaired_packets, told.duplicate_packets) == (3, 1, 3)


@pytest.mark.parametrize("policy", list(Policy))
def test_when_a_path_dies_the_others_carry_on(policy: Policy) -> None:
    with carriers(policy, 2) as (near, far):
        near.paths[0].end("the circuit ended")
        assert came(far, 0) == []
        assert far.paths[0].ended == "the connection was closed"
        near.carry(b"one")
        assert came(far, 1) == [b"one"]
        far.carry(b"back")
        assert came(near, 1) == [b"back"]
        near.paths[1].end("this, too")
        near.carry(b"nowhere")
        assert near.told().without_path == 1
        assert near.told().paths[0].ended == "the circuit ended"


def test_a_path_that_takes_no_more_refuses_and_makes_nobody_wait() -> None:
    with carriers(Policy.DUPLICATE, 1) as (near, _):
        for _ in range(20_000):
            near.carry(bytes(1400))
            if near.told().paths[0].refused_frames:
                break
        told = near.told().paths[0]
        assert told.refused_frames == 1
        assert told.sent_bytes > MOST_WAITING_BYTES
        assert near.paths[0].waits


@pytest.mark.parametrize("nodelay", [True, False])
def test_the_kernel_is_asked_whether_it_waits_for_more(nodelay: bool) -> None:
    with carriers(Policy.DUPLICATE, 1, nodelay) as (near, _):
        assert near.told().paths[0].nodelay is nodelay


def test_ranks_travel_with_the_voice() -> None:
    with carriers(Policy.FAST_SLOW, 2) as (near, far):
        near.carry(b"one")
        near.carry(b"two")
        came(far, 1)
        far.carry(b"back")
        came(near, 0)
        assert near._others_scores != (-1, -1)


@pytest.mark.parametrize(
    ("said", "path"),
    [
        (bytes(16) + b"\x01", 1),
        (bytes(16) + b"\x02", None),
        (b"x" * 16 + b"\x01", None),
        (b"short", None),
    ],
)
def test_who_does_not_know_the_calls_key_is_no_path_of_it(said: bytes, path: int | None) -> None:
    carriage = Carriage(2, Policy.DUPLICATE, True, KEY)
    near, far = pair()
    with near, far:
        near.sendall(said)
        near.shutdown(socket.SHUT_WR)
        assert greeted(carriage, far) == path
    assert greeting(carriage, 1) == bytes(16) + b"\x01"
