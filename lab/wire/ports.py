"""The UDP ports of phones that cannot bind their media to an address.

Routes out of a tunnel are chosen by the address a socket is bound to. baresip binds media to
none, so there the port decides: what leaves from TUNNEL_PORTS goes into the tunnel.
"""

from __future__ import annotations

TUNNEL_PORTS = (20000, 20099)
"""First and last; outside the kernel's ephemeral ports and SIPp's."""
HOME_PORTS = (20100, 20199)
