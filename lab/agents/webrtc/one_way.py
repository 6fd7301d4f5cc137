"""An event loop that makes one connection, to the TURN server, and no other.

A WebRTC library opens its own sockets: for every address of the host, for STUN, for mDNS. Here it
can have none of them: what is not the one TCP connection is refused, so that nothing leaves past
the proxy whatever the library takes it into its head to try.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

from aioice import stun
from aioice.turn import TurnClientTcpProtocol

from lab.agents.net.connection import ConnectionFailedError, connect
from lab.wire.proxy import SocksProxy
from lab.wire.webrtc import TurnServer


class OneWayLoop(asyncio.SelectorEventLoop):
    """See the module; `server` is set before the library is let to work."""

    def __init__(self) -> None:
        super().__init__()
        self.server: TurnServer | None = None
        self.proxy: SocksProxy | None = None
        self.deadline = 0.0
        """For the connection to be made, by time.monotonic()."""
        self.failure: str | None = None
        """Why it was not."""
        self.turn: TurnClientTcpProtocol | None = None
        """What speaks TURN over it; None until it is made."""

    async def create_connection(
        self, protocol_factory: Any, host: Any = None, port: Any = None, **_options: Any
    ) -> Any:
        """To the TURN server alone, through the proxy where there is one."""
        server = self.server
        if server is None or (host, port) != (str(server.address), server.port):
            raise OSError(f"no connection to {host}:{port}: it is not the TURN server")
        try:
            connection = await asyncio.to_thread(
                connect, server.address, server.port, self.proxy, self.deadline
            )
        except ConnectionFailedError as error:
            self.failure = str(error)
            raise OSError(str(error)) from error
        connection.setblocking(False)
        transport, self.turn = await super().create_connection(protocol_factory, sock=connection)
        return transport, self.turn

    async def create_datagram_endpoint(self, *_arguments: Any, **_options: Any) -> Any:
        """Never."""
        raise OSError("no UDP: voice is relayed by TURN over TCP")

    @property
    def broken(self) -> bool:
        """Whether the connection has been made and has ended."""
        return self.turn is not None and self.turn.transport.is_closing()

    async def ask_server(self) -> float:
        """How long the server takes to answer, ms, to a request that prolongs the allocation.

        ConnectionFailedError where it refuses, or does not answer.
        """
        assert self.turn
        request = stun.Message(message_method=stun.Method.REFRESH, message_class=stun.Class.REQUEST)
        request.attributes["LIFETIME"] = self.turn.lifetime
        asked = time.monotonic()
        try:
            await self.turn.request_with_retry(request)
        except stun.TransactionFailed as error:
            code, words = error.response.attributes.get("ERROR-CODE", (0, "without a reason"))
            raise ConnectionFailedError(
                f"the TURN server relays no longer: {code} {words}"
            ) from error
        except (stun.TransactionError, ConnectionError) as error:
            raise ConnectionFailedError("the TURN server does not answer any more") from error
        return (time.monotonic() - asked) * 1000
