"""The agent that holds an OpenVPN client open; a stand-in takes OpenVPN's place."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from lab.engine.plain_agent import PlainAgent as Agent

Start = Callable[[str], Agent]


@pytest.fixture
def start(tmp_path: Path) -> Start:
    """Start the agent with a program in place of OpenVPN."""

    def started(program: str) -> Agent:
        openvpn = tmp_path / "openvpn"
        openvpn.write_text(f"#!{sys.executable}\n{program}")
        openvpn.chmod(0o755)
        path = f"PATH={tmp_path}:{os.environ['PATH']}"
        return Agent("tunnel", ["env", path, sys.executable, "-m", "lab.agents.vpn.tunnel"])

    return started


UP = """
import sys, time
print("arguments", *sys.argv[1:])
print("Initialization Sequence Completed", flush=True)
time.sleep(60)
"""


def test_a_tunnel_is_reported_when_it_is_up(start: Start) -> None:
    with start(UP) as agent:
        agent.send({"socks_port": 9050})
        event = agent.receive(10)
        assert event["event"] == "up"
        assert event["setup_ms"] > 0
    assert "--socks-proxy 127.0.0.1 9050" in agent.log_text


def test_without_tor_no_proxy_is_used(start: Start) -> None:
    with start(UP) as agent:
        agent.send({"socks_port": None})
        agent.receive(10)
    assert "socks" not in agent.log_text


def test_a_tunnel_that_fails_says_why(start: Start) -> None:
    with start("print('AUTH: Received control message: AUTH_FAILED')") as agent:
        agent.send({"socks_port": None})
        event = agent.receive(10)
    assert event == {"event": "down", "reason": "AUTH: Received control message: AUTH_FAILED"}
