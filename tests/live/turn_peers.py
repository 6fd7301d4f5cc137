"""Ask a TURN server to relay to some addresses, and print what it answers to each.

    turn_peers.py SERVER PORT USER PASSWORD PEER…

Runs in the endpoint's image, which has the TURN client.
"""

from __future__ import annotations

import asyncio
import sys

from aioice import stun, turn

FIRST_CHANNEL = 0x4000
DISCARD_PORT = 9


async def main(server: str, port: str, user: str, password: str, *peers: str) -> None:
    """One line for each peer: it, and `relays` or the code of the error."""
    transport, _ = await turn.create_turn_endpoint(
        asyncio.DatagramProtocol,
        (server, int(port)),
        username=user,
        password=password,
        transport="tcp",
    )
    client = transport._TurnTransport__inner_protocol
    for channel, peer in enumerate(peers, FIRST_CHANNEL):
        try:
            await client.channel_bind(channel, (peer, DISCARD_PORT))
        except stun.TransactionFailed as error:
            print(peer, error.response.attributes["ERROR-CODE"][0])
        else:
            print(peer, "relays")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
