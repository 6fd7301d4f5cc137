"""The circuits of competing streams: tor's own choice, or the relays that a load names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from lab.ends import CLIENT
from lab.engine.execution import start_plain_agent
from lab.lifecycle.ready import ReadyLab
from lab.load.spec import LoadSpec
from lab.wire.ports import SOCKS_PORT

READY_DEADLINE_S = 20.0


@contextmanager
def socks_port(lab: ReadyLab, spec: LoadSpec) -> Iterator[int | None]:
    """The SOCKS port through which the load goes while the block runs; None where it goes straight.

    Every stream has a circuit of its own.
    """
    if spec.route == "direct":
        yield None
        return
    if not spec.circuit:
        yield SOCKS_PORT
        return
    path = [lab.relays[name] for name in spec.circuit]
    with start_plain_agent(lab.running, CLIENT, "tor.stream_circuits") as agent:
        agent.ask({"path": path}, READY_DEADLINE_S)
        yield SOCKS_PORT
