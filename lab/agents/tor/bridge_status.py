"""Tells how the bridge in this node is: its tor, its port, and what obfuscates for it."""

from __future__ import annotations

import stem
from stem.control import Controller

from lab.agents.net.processes import processes_called
from lab.agents.net.sockets import tcp_sockets
from lab.agents.tor.control import ControlError, connect
from lab.agents.tor.node import TorFiles, files_from, read_network
from lab.wire.bridges import BRIDGE, OBFS4PROXY, BridgeSeen, ReadBridge
from lab.wire.line import Line
from lab.wire.messages import Failed
from lab.wire.sockets import TcpState
from lab.wire.tor_network import TorNetwork


def bridge_seen(files: TorFiles, network: TorNetwork) -> BridgeSeen:
    """The bridge now; one whose tor cannot be asked has no version."""
    port = network.transports[network.node]
    ears = {(near.near, near.near_port) for near in tcp_sockets() if near.state is TcpState.LISTEN}
    version, knows, listed = None, False, False
    try:
        with connect(files) as controller:
            version = str(controller.get_version())
            knows = controller.get_info("status/enough-dir-info") == "1"
            listed = is_listed(controller, network.bridges[network.node])
    except (ControlError, stem.SocketClosed):
        version = None
    return BridgeSeen(
        port=port,
        version=version,
        has_directory=knows,
        listens=(port.address, port.port) in ears,
        obfs4proxies=processes_called(OBFS4PROXY),
        in_consensus=listed,
    )


def is_listed(controller: Controller, fingerprint: str) -> bool:
    """Whether the consensus that tor knows has a relay of that fingerprint."""
    try:
        return any(entry.fingerprint == fingerprint for entry in controller.get_network_statuses())
    except stem.DescriptorUnavailable:
        return False


def main() -> None:
    """Answer until the input ends."""
    files = files_from()
    network = read_network(files)
    line = Line(BRIDGE)
    while (order := line.hear()) is not None:
        if isinstance(order, ReadBridge):
            try:
                line.say(bridge_seen(files, network))
            except stem.ControllerError as error:
                line.say(Failed(f"{type(error).__name__}: {error}"))


if __name__ == "__main__":
    main()
