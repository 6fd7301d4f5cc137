"""Where in a node things lie: written by the host, mounted or made there, read by agents.

What lies below `NODE` comes from the node's directory in the lab's project, see `in_project`.
"""

from __future__ import annotations

from pathlib import PurePosixPath

NODE = PurePosixPath("/run/lab")
"""The node's own files, read-only."""
CALLS = PurePosixPath("/calls")
"""Calls in progress, of endpoints: a directory for each."""
SPEECH = PurePosixPath("/usr/share/voice-tor-lab/speech")
"""The clips that endpoints speak."""
TUN = PurePosixPath("/dev/net/tun")

TOR = NODE / "tor"
TORRC = TOR / "torrc"
TOR_NETWORK = TOR / "network.json"
"""A `lab.wire.tor_network.TorNetwork`."""
TOR_KEYS = TOR / "keys"
"""A relay's own; tor wants them in its data directory."""
OBFS4_STATE = TOR / "obfs4_state.json"
"""A bridge's own; obfs4proxy wants it below tor's data directory."""
OBFS4_PROGRAM = PurePosixPath("/usr/bin/obfs4proxy")
ONION = TOR / "onion"
"""Keys and address of an onion service; tor wants them in its data directory."""
TOR_STATE = PurePosixPath("/var/lib/tor")
TOR_DATA = TOR_STATE / "data"
TOR_NODELAY = PurePosixPath("/usr/local/lib/voice-tor-lab/nodelay.so")
"""The object that sets TCP_NODELAY in the Tor it is preloaded into; its source is in `images/`."""

OPENVPN = NODE / "openvpn"
OPENVPN_CLIENT = OPENVPN / "client.conf"
OPENVPN_ONION = OPENVPN / "onion.conf"
"""A client's too: to the onion service of the same server."""
OPENVPN_SERVER = OPENVPN / "server.conf"

MUMBLE = NODE / "mumble"
"""Of Murmur's node, and of every endpoint."""
MUMBLE_CERTIFICATE = MUMBLE / "certificate.pem"
MUMBLE_KEY = MUMBLE / "key.pem"
MURMUR = MUMBLE / "murmur.ini"
MURMUR_SUPERUSER = MUMBLE / "superuser"
MURMUR_STATE = PurePosixPath("/run/murmur")

TURN = NODE / "turn"
"""Of the TURN server's node, and of every endpoint."""
TURN_SERVER = TURN / "turnserver.conf"
TURN_PASSWORD = TURN / "password"
"""An endpoint's own."""
TURN_STATE = PurePosixPath("/run/turn")

KAMAILIO = NODE / "kamailio.cfg"
RTPENGINE = NODE / "rtpengine.conf"
FREESWITCH = NODE / "freeswitch"
FREESWITCH_STATE = PurePosixPath("/run/freeswitch")
NGINX = NODE / "nginx.conf"
ENDLESS = PurePosixPath("/run/endless")
"""What the web server serves: a file that no download comes to the end of."""
UPLOAD = PurePosixPath("/tmp/upload")  # noqa: S108 - a tmpfs inside the node
"""The same for uploads, at the client."""


def in_project(place: PurePosixPath) -> str:
    """A file below `NODE` as it is called in the node's directory of the project."""
    return str(place.relative_to(NODE))
