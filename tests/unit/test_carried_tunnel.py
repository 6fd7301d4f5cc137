"""OpenVPN at both ends of a call over several circuits: datagrams to a forwarder on loopback."""

from __future__ import annotations

from ipaddress import IPv4Address
from pathlib import Path

from test_call_paths import lab_of

from lab.agents.vpn.openvpn import client_options
from lab.calls.paths.forwarders import port_of
from lab.render.openvpn import Instance, client_files, server_files
from lab.render.vpn_pki import issue_credential
from lab.wire.openvpn import OpenTunnel

TOPOLOGY = lab_of("world").topology
SERVER, CALLER = issue_credential("server"), issue_credential("caller")
ADDRESS = IPv4Address("10.77.31.9")


def test_both_speak_udp_on_loopback_with_the_cipher_of_every_other_call() -> None:
    assert TOPOLOGY.vpn.nodelay
    serving = server_files(
        TOPOLOGY, TOPOLOGY.vpn, SERVER, {"caller": CALLER}, {"caller": ADDRESS},
        Instance(".", "paths", carried=True),
    )  # fmt: skip
    calling = client_files(
        TOPOLOGY, TOPOLOGY.vpn, "caller", CALLER, server_address=IPv4Address("127.0.0.1"),
        server_fingerprint=SERVER.fingerprint, instance=Instance(".", "tun0", carried=True),
    )  # fmt: skip
    both = (serving["server.conf"], calling["client.conf"])
    for conf in both:
        assert "\nproto udp\n" in conf
        assert f"\ndata-ciphers {TOPOLOGY.vpn.cipher}\n" in conf
        assert "tcp" not in conf, "of the options that TCP has, none"
    assert "\nlocal 127.0.0.1\n" in both[0]
    assert f"\nremote 127.0.0.1 {TOPOLOGY.vpn.port}\n" in both[1]
    assert CALLER.fingerprint in both[0]
    assert serving["clients/caller"].startswith(f"ifconfig-push {ADDRESS} ")


def test_no_other_server_of_a_lab_has_the_forwarders_port() -> None:
    """The lab's own OpenVPN has the port itself, and competing tunnels the next."""
    assert port_of(TOPOLOGY) - TOPOLOGY.vpn.port == 2


def test_a_client_runs_by_files_that_come_along(tmp_path: Path) -> None:
    order = OpenTunnel(None, files={"client.conf": "dev tun0\n"})
    assert client_options(order, tmp_path) == [*("--cd", str(tmp_path), "--config", "client.conf")]
    assert (tmp_path / "client.conf").read_text() == "dev tun0\n"
    own = client_options(OpenTunnel(9050), tmp_path)
    assert own[-3:] == ["--socks-proxy", "127.0.0.1", "9050"]
