"""How this node's Tor client is connected with others: by its bridges, or by what else."""

from __future__ import annotations

from lab.agents.net.processes import processes_called
from lab.agents.net.sockets import tcp_sockets
from lab.wire.bridges import OBFS4PROXY
from lab.wire.circuits import EntrySeen
from lab.wire.sockets import TcpState


def entry_seen(listed: tuple[str, ...]) -> EntrySeen:
    """How this machine is connected with others now; `listed` are bridges in the consensus."""
    sockets = (near for near in tcp_sockets() if near.state is not TcpState.LISTEN)
    return EntrySeen(
        sockets=tuple(near for near in sockets if not near.far.is_loopback),
        obfs4proxies=processes_called(OBFS4PROXY),
        listed=listed,
    )
