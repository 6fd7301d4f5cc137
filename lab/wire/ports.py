"""Every port of a lab that is the same in each: who listens there, and what binds to it."""

from __future__ import annotations

SIP_PORT = 5060
"""UDP, of the PBX and of phones."""
RTP_PORTS = (30000, 30999)
"""UDP, of the PBX's media, first and last; the last RTP port used is the even one below."""
MEDIA_CONTROL_PORT = 2223
"""UDP, on loopback: where rtpengine takes Kamailio's orders."""
OR_PORT = 9001
"""TCP, of every relay: tor's own protocol."""
OBFS4_PORT = 9002
"""TCP, of every bridge that speaks obfs4: tor's own protocol inside."""
DIR_PORT = 9030
"""TCP, of the directory authority."""
CONSENSUS_PORT = 9031
"""TCP, at the authority until the first consensus: where relays wait for that."""
SOCKS_PORT = 9050
"""TCP, on loopback, of every tor client."""
MUMBLE_PORT = 64738
"""TCP, of Murmur."""
TURN_PORT = 3478
"""TCP, of the TURN server."""
RELAY_PORTS = (49152, 65535)
"""UDP, of the TURN server: its relayed addresses, by which phones reach each other within it."""
WEB_PORT = 8080
"""TCP, of the web server: a port that needs no privilege."""
BANDWIDTH_PORT = 5201
"""TCP, at the server of a call, when it is over and what its way has left is measured."""

TUNNEL_PORTS = (20000, 20099)
"""UDP, first and last: of phones that cannot bind their media to an address, in the tunnel.

Routes out of a tunnel are chosen by the address a socket is bound to. baresip binds media to
none, so there the port decides: what leaves from these goes into the tunnel. They lie outside
the kernel's ephemeral ports and SIPp's.
"""
HOME_PORTS = (20100, 20199)
"""The same outside the tunnel."""
