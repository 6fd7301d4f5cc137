"""Competing calls: SIPp at the client and on the server's machine, straight or in tunnels."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from lab.ends import CLIENT
from lab.engine.execution import start_agent, start_unprivileged_helper
from lab.events import Began, Listener
from lab.lifecycle.ready import ReadyLab
from lab.load.circuits import socks_port
from lab.load.load import Load
from lab.load.spec import LoadSpec
from lab.load.tunnels import CallTunnel, call_tunnels
from lab.wire.load import (
    ANSWERER,
    CALLS,
    AnswerCalls,
    Answering,
    CallEnds,
    MakeCalls,
    TunnelClient,
    TunnelsUp,
)

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
        agent = stack.enter_context(start_agent(lab.running, CLIENT, CALLS))
        agent.send(_order(lab, spec, tunnels, port))
        if tunnels:
            tell(Began(f"opening {spec.count} tunnels through Tor"))
            agent.expect(TunnelsUp, TUNNELS_DEADLINE_S)
        tell(Began(f"starting {spec.count} calls"))
        load = Load(spec, agent)
        load.wait_until_running("competing calls", spec.count * SPACING_S + RUNNING_DEADLINE_S)
        yield load


def _start_answerer(lab: ReadyLab, stack: ExitStack) -> None:
    image = lab.images["endpoint"]
    agent = stack.enter_context(
        start_unprivileged_helper(lab.running, lab.vpn_server.name, image, lab.owner, ANSWERER)
    )
    agent.ask(AnswerCalls(), Answering, LISTEN_DEADLINE_S)


def _order(
    lab: ReadyLab, spec: LoadSpec, tunnels: tuple[CallTunnel, ...], port: int | None
) -> MakeCalls:
    if tunnels:
        ends = tuple(CallEnds(tunnel.called, tunnel.address) for tunnel in tunnels)
    else:
        client = lab.topology.node(CLIENT).links[0].address
        ends = (CallEnds(lab.pbx_address, client),) * spec.count
    clients = tuple(TunnelClient(tunnel.device, tunnel.files) for tunnel in tunnels)
    return MakeCalls(ends, SPACING_S, clients, port)
