"""Other users of Tor at the client, who fetch from the lab's web server over their own circuits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from ipaddress import IPv4Address

from lab.ends import CLIENT
from lab.engine.execution import start_agent
from lab.events import Began, Listener
from lab.lifecycle.ready import ReadyLab
from lab.load.browsing import CIRCUITS, FETCHES_PER_CIRCUIT, HABITS
from lab.load.circuits import user_circuits
from lab.load.load import Load
from lab.load.spec import LoadSpec
from lab.render.web import DOWNLOAD
from lab.tor.paths import paths_of_user
from lab.wire.load import BACKGROUND, Browse
from lab.wire.ports import SOCKS_PORT, WEB_PORT

FIRST_USER = IPv4Address("127.0.1.1")
"""Users connect to Tor from addresses of the loopback network, one each from here on."""
SPACING_S = 0.25
RUNNING_DEADLINE_S = 90.0


@contextmanager
def background(lab: ReadyLab, spec: LoadSpec, tell: Listener) -> Iterator[Load]:
    """Have them while the block runs; it begins when each has got something.

    LabError where they do not come to that.
    """
    topology = lab.topology
    client = topology.node(CLIENT)
    (web, *_) = topology.with_role("web")
    circuits = tuple(
        paths_of_user(topology, client, spec.seed, user, CIRCUITS) for user in range(spec.count)
    )
    users = tuple(FIRST_USER + number for number in range(spec.count))
    tell(Began(f"starting {spec.count} users of Tor in the background"))
    with ExitStack() as stack:
        routed = {str(user): paths for user, paths in zip(users, circuits, strict=True)}
        stack.enter_context(user_circuits(lab, routed, FETCHES_PER_CIRCUIT))
        agent = stack.enter_context(start_agent(lab.running, CLIENT, BACKGROUND))
        order = Browse(
            users=users,
            server=topology.machine(web.name).links[0].address,
            port=WEB_PORT,
            path=DOWNLOAD,
            socks_port=SOCKS_PORT,
            habits=HABITS,
            seed=spec.seed,
            spacing_s=SPACING_S,
        )
        agent.send(order)
        load = Load(spec, agent, circuits=circuits)
        deadline_s = spec.count * SPACING_S + RUNNING_DEADLINE_S
        load.wait_until_running("users in the background", deadline_s)
        yield load
