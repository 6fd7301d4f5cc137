"""What a relay's own agent does beside its tor: asks it plainly, and waits for the authority."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from lab.agents.tor.node import TorFiles
from lab.agents.tor.plain_control import PlainControl, PlainControlError, RefusedError
from lab.agents.tor.word import Word, await_word

LOOPBACK = IPv4Address("127.0.0.1")
COOKIE = bytes(range(32))
ANSWERS = {
    f"AUTHENTICATE {COOKIE.hex()}": "250 OK",
    "GETINFO version": "250-version=0.4.8.14 (git-1234)\r\n250 OK",
    "GETINFO document": "250+document=\r\nfirst = 1\r\n..second\r\n\r\n.\r\n250 OK",
    "GETCONF BandwidthRate": "250 BandwidthRate=2739875",
    "GETCONF Schedulers": "250-Schedulers=KISTLite\r\n250 Schedulers=Vanilla",
    "GETCONF Nickname": "250 Nickname",
    "SETCONF DisableNetwork=0": "250 OK",
}


@contextmanager
def tor(place: Path) -> Iterator[TorFiles]:
    """A control socket that knows these answers, and refuses everything else."""
    files = TorFiles(data=place)
    files.control_cookie.write_bytes(COOKIE)
    with closing(socket.socket(socket.AF_UNIX)) as listener:
        listener.bind(str(files.control_socket))
        listener.listen()

        def serve() -> None:
            connection, _ = listener.accept()
            with connection, connection.makefile("rw", encoding="utf-8", newline="") as line:
                for request in line:
                    refusal = '552 Unrecognized option "there"'
                    line.write(ANSWERS.get(request.strip(), refusal) + "\r\n")
                    line.flush()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield files
        thread.join(timeout=5)


def test_what_is_asked_is_answered(tmp_path: Path) -> None:
    with tor(tmp_path) as files, PlainControl(files) as control:
        assert control.version() == "0.4.8.14"
        assert control.document("document") == "first = 1\n.second\n"
        assert control.option("BandwidthRate") == "2739875"
        assert control.option("Schedulers") == "KISTLite", "of several the first"
        assert control.option("Nickname") == "", "it goes by its own default"
        assert control.ask("SETCONF DisableNetwork=0") == ["OK"]


def test_a_refusal_is_told_and_the_connection_goes_on(tmp_path: Path) -> None:
    with tor(tmp_path) as files, PlainControl(files) as control:
        with pytest.raises(RefusedError, match="tor refuses GETCONF: Unrecognized option"):
            control.option("Elsewhere")
        assert control.version() == "0.4.8.14"


def test_a_tor_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(PlainControlError, match="cannot be asked on its control socket"):
        PlainControl(TorFiles(data=tmp_path))


def test_a_cookie_that_tor_does_not_take_is_told(tmp_path: Path) -> None:
    with tor(tmp_path) as files:
        files.control_cookie.write_bytes(bytes(32))
        with pytest.raises(PlainControlError, match="tor refuses AUTHENTICATE"):
            PlainControl(files)


def test_the_word_is_heard_by_all_who_wait() -> None:
    word = Word(LOOPBACK, port=0, waiting=3)
    heard: list[bool] = []
    threads = [
        threading.Thread(target=lambda: heard.append(await_word(LOOPBACK, 10, word.port)))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    while connected_to(word.port) < 3:
        assert not heard, "nothing was said yet"
    word.give()
    for thread in threads:
        thread.join(timeout=10)
    assert heard == [True, True, True]
    assert not await_word(LOOPBACK, 10, word.port), "nobody tells any more"


def connected_to(port: int) -> int:
    """How many connections have been made to a port here, taken or not."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(row[2].endswith(f":{port:04X}") and row[3] == "01" for row in rows)


def test_waiting_for_the_word_has_an_end() -> None:
    word = Word(LOOPBACK, port=0)
    assert not await_word(LOOPBACK, 0.05, word.port)
    word.give()
