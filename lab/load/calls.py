"""Competing calls: SIPp at the client and on the server's machine, straight or in tunnels."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from lab.ends import CLIENT
from lab.engine.execution import start_plain_agent, start_plain_helper
from lab.engine.plain_agent import PlainAgent as Agent
from lab.errors import LabError
from lab.events import Began, Listener
from lab.lifecycle.ready import ReadyLab
from lab.load.circuits import socks_port
from lab.load.load import Load
from lab.load.spec import LoadSpec
from lab.load.tunnels import CallTunnel, call_tunnels

SPACING_S = 0.11
"""Between two calls: not a multiple of the 20 ms in which each sends, so that they interleave."""
LISTEN_DEADLINE_S = 20.0
TUNNELS_DEADLINE_S = 150.0
RUNNING_DEADLINE_S = 60.0


@contextmanager
def calls(lab: ReadyLab, spec: LoadSpec, tell: Listener) -> Iterator[Load]:
    """Make them and hold them while the block runs; it begins when voice flows in all.

    LabError where they do not come to that.
    """
    with ExitStack() as stack:
        port = stack.enter_context(socks_port(lab, spec))
        tunnels: tuple[CallTunnel, ...] = ()
        if port is not None:
            tell(Began(f"making {spec.count} tunnels"))
            tunnels = stack.enter_context(call_tunnels(lab, CLIENT, spec.count))
        _start_answerer(lab, stack)
        agent = stack.enter_context(start_plain_agent(lab.running, CLIENT, "load.calls"))
        agent.send(_order(lab, spec, tunnels, port))
        if tunnels:
            tell(Began(f"opening {spec.count} tunnels through Tor"))
            event = agent.receive(TUNNELS_DEADLINE_S)
            if event["event"] != "tunnels":
                raise LabError(f"competing calls cannot begin: {event['reason']}")
        tell(Began(f"starting {spec.count} calls"))
        load = Load(spec, agent)
        load.wait_until_running("competing calls", spec.count * SPACING_S + RUNNING_DEADLINE_S)
        yield load


def _start_answerer(lab: ReadyLab, stack: ExitStack) -> None:
    image = lab.images["endpoint"]
    helper = start_plain_helper(lab.running, lab.vpn_server.name, image, lab.owner, "load.answerer")
    agent: Agent = stack.enter_context(helper)
    agent.send({})
    event = agent.receive(LISTEN_DEADLINE_S)
    if event["event"] != "listening":
        raise LabError(f"SIPp cannot answer competing calls: {event['reason']}")


def _order(
    lab: ReadyLab, spec: LoadSpec, tunnels: tuple[CallTunnel, ...], port: int | None
) -> dict[str, object]:
    if tunnels:
        ends = [[str(tunnel.called), str(tunnel.address)] for tunnel in tunnels]
    else:
        client = lab.topology.node(CLIENT).links[0].address
        ends = [[str(lab.pbx_address), str(client)]] * spec.count
    return {
        "calls": ends,
        "spacing_s": SPACING_S,
        "tunnels": [{"device": tunnel.device, "files": tunnel.files} for tunnel in tunnels],
        "socks_port": port,
    }
