"""The agent that holds an OpenVPN client open; a stand-in takes OpenVPN's place."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from lab.engine.agent import Agent, AgentError
from lab.wire.openvpn import OPENVPN, OpenTunnel, OpenVpnUp, ServeTunnels

Start = Callable[[str], Agent]


@pytest.fixture
def start(tmp_path: Path) -> Start:
    """Start the agent with a program in place of OpenVPN."""

    def started(program: str) -> Agent:
        openvpn = tmp_path / "openvpn"
        openvpn.write_text(f"#!{sys.executable}\n{program}")
        openvpn.chmod(0o755)
        path = f"PATH={tmp_path}:{os.environ['PATH']}"
        command = ["env", path, sys.executable, "-m", f"lab.agents.{OPENVPN.program}"]
        return Agent("tunnel", command, OPENVPN)

    return started


UP = """
import sys, time
print("arguments", *sys.argv[1:])
print("Initialization Sequence Completed", flush=True)
time.sleep(60)
"""


def test_a_tunnel_is_reported_when_it_is_up(start: Start) -> None:
    with start(UP) as agent:
        assert agent.ask(OpenTunnel(9050), OpenVpnUp, 10).after_ms > 0
    assert "--socks-proxy 127.0.0.1 9050" in agent.log_text


def test_without_tor_no_proxy_is_used(start: Start) -> None:
    with start(UP) as agent:
        agent.ask(OpenTunnel(None), OpenVpnUp, 10)
    assert "socks" not in agent.log_text


def test_a_server_is_run_by_the_files_that_come_along(start: Start) -> None:
    reading = "import pathlib, sys\nprint(pathlib.Path(sys.argv[2], 'clients/a').read_text())\n"
    with start(reading + UP) as agent:
        agent.ask(ServeTunnels({"server.conf": "dev tun", "clients/a": "push"}), OpenVpnUp, 10)
    assert agent.log_text.startswith("push\narguments --cd ")


def test_a_tunnel_that_fails_says_why(start: Start) -> None:
    with (
        start("print('AUTH: Received control message: AUTH_FAILED')") as agent,
        pytest.raises(AgentError, match=r"OpenVPN ended: AUTH: Received .* AUTH_FAILED"),
    ):
        agent.ask(OpenTunnel(None), OpenVpnUp, 10)
