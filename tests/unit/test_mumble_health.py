"""The way to a server ends in a TLS handshake, and every way in which that fails has its words."""

from __future__ import annotations

import hashlib
import socket
import ssl
import threading
import time
from collections.abc import Callable
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from lab.agents.mumble.health import shake_hands
from lab.agents.mumble.server import own_server
from lab.agents.net.connection import ConnectionFailedError
from lab.render.vpn_pki import issue_credential
from lab.wire.mumble import MumbleServer

LOCALHOST = IPv4Address("127.0.0.1")
Serve = Callable[[socket.socket], None]


@pytest.fixture
def identity(tmp_path: Path) -> tuple[Path, str]:
    """A directory with certificate and key, and the certificate's SHA-256."""
    issued = issue_credential("mumble")
    (tmp_path / "certificate.pem").write_text(issued.certificate_pem)
    (tmp_path / "key.pem").write_text(issued.key_pem)
    der = ssl.PEM_cert_to_DER_cert(issued.certificate_pem)
    return tmp_path, hashlib.sha256(der).hexdigest()


def try_server(serve: Serve, fingerprint: str, deadline_s: float = 10) -> str:
    """The outcome of a handshake with a server that does `serve` to its one client."""

    def run() -> None:
        client, _ = listener.accept()
        with client:
            serve(client)

    with socket.create_server((str(LOCALHOST), 0)) as listener:
        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        port = listener.getsockname()[1]
        outcome = shake_hands(
            MumbleServer(LOCALHOST, port, fingerprint), time.monotonic() + deadline_s
        )
        thread.join()
        return outcome


def tls(directory: Path, **settings: object) -> Serve:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / "certificate.pem", directory / "key.pem")
    if "ciphers" in settings:
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(str(settings["ciphers"]))

    def serve(client: socket.socket) -> None:
        try:
            with context.wrap_socket(client, server_side=True):
                pass
        except OSError:
            return  # what the client makes of it is what is tested

    return serve


def test_a_server_that_accepts_is_told_with_what_it_agreed_to(
    identity: tuple[Path, str],
) -> None:
    directory, fingerprint = identity
    assert try_server(tls(directory), fingerprint).startswith("TLSv1.3 TLS_")


def test_a_server_with_another_certificate_is_not_the_lab_s(identity: tuple[Path, str]) -> None:
    with pytest.raises(ConnectionFailedError, match="the server's certificate is another"):
        try_server(tls(identity[0]), "00" * 32)


def test_a_server_that_refuses_tls_is_told_with_its_alert(identity: tuple[Path, str]) -> None:
    """Its one cipher suite needs an RSA key, which it has not."""
    refusing = tls(identity[0], ciphers="ECDHE-RSA-AES256-GCM-SHA384")
    with pytest.raises(ConnectionFailedError, match=r"the TLS handshake failed: .*handshake fail"):
        try_server(refusing, identity[1])


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"220 mail.example ESMTP\r\n", r"the TLS handshake failed: .*wrong version number"),
        (b"", "the TLS handshake failed"),
    ],
)
def test_what_is_no_tls_server_is_told(answer: bytes, reason: str) -> None:
    def serve(client: socket.socket) -> None:
        client.recv(4096)
        client.sendall(answer)

    with pytest.raises(ConnectionFailedError, match=reason):
        try_server(serve, "00" * 32)


def test_a_server_that_only_listens_is_given_up_at_the_deadline() -> None:
    """As Murmur does while it hangs: the kernel takes the connection, and nobody answers."""
    with socket.create_server((str(LOCALHOST), 0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(ConnectionFailedError, match="took too long"):
            shake_hands(MumbleServer(LOCALHOST, port, "00" * 32), time.monotonic() + 0.1)


def test_murmur_is_looked_for_where_its_own_files_put_it(identity: tuple[Path, str]) -> None:
    directory, fingerprint = identity
    (directory / "murmur.ini").write_text("host=10.0.20.3\nport=64738\nusers=10\n")
    assert own_server(directory) == MumbleServer(IPv4Address("10.0.20.3"), 64738, fingerprint)
