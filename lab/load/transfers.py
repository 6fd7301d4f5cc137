"""Competing downloads and uploads: real wgets at the client, a real web server at the server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from lab.ends import CLIENT
from lab.engine.agent import Agent
from lab.engine.execution import start_agent, start_unprivileged_helper
from lab.events import Began, Listener
from lab.lifecycle.ready import ReadyLab
from lab.load.circuits import socks_port
from lab.load.load import Load
from lab.load.spec import LoadSpec
from lab.render.web import DOWNLOAD, UPLOAD
from lab.wire import places
from lab.wire.load import ARRIVALS, TRANSFERS, CountArrivals, Counting, Transfer
from lab.wire.ports import WEB_PORT

SPACING_S = 0.05
"""Between two starts: an even ramp, on which a Tor client keeps up with building circuits."""
RUNNING_DEADLINE_S = 90.0
COUNTING_DEADLINE_S = 20.0


@contextmanager
def transfers(lab: ReadyLab, spec: LoadSpec, tell: Listener) -> Iterator[Load]:
    """Run them while the block runs; it begins when all flow and share the link steadily.

    LabError where they do not come to that.
    """
    web = lab.topology.with_role("web")[0]
    address = lab.topology.machine(web.name).links[0].address
    upload = spec.direction == "up"
    tell(Began(f"starting {spec.count} {'uploads' if upload else 'downloads'}"))
    with ExitStack() as stack:
        port = stack.enter_context(socks_port(lab, spec))
        agent = stack.enter_context(start_agent(lab.running, CLIENT, TRANSFERS))
        counter = stack.enter_context(_arrivals(lab, spec)) if upload else None
        order = Transfer(
            count=spec.count,
            url=f"http://{address}:{WEB_PORT}{UPLOAD if upload else DOWNLOAD}",
            upload=places.UPLOAD if upload else None,
            socks_port=port,
            spacing_s=SPACING_S,
        )
        agent.send(order)
        load = Load(spec, agent, counter)
        load.wait_until_running("competing transfers", spec.count * SPACING_S + RUNNING_DEADLINE_S)
        yield load


def _arrivals(lab: ReadyLab, spec: LoadSpec) -> Agent:
    """Counts uploads where they arrive, from now on; AgentError where it cannot."""
    (web,) = lab.topology.with_role("web")
    agent = start_unprivileged_helper(
        lab.running,
        lab.topology.machine(web.name).name,
        lab.net_image,
        lab.owner,
        ARRIVALS,
    )
    agent.ask(CountArrivals(spec.count, WEB_PORT), Counting, COUNTING_DEADLINE_S)
    return agent
