"""Cuts circuits under the streams of a node's Tor client, as a relay does that goes away."""

from __future__ import annotations

from docker import DockerClient
from lab_command import nodes_of

CUT_ONE = """
import sys
from stem.control import Controller
with Controller.from_socket_file("/var/lib/tor/data/control") as tor:
    tor.authenticate()
    streams = [s for s in tor.get_streams() if s.target.endswith(":" + sys.argv[1]) and s.circ_id]
    if streams:
        tor.close_circuit(streams[0].circ_id)
    print(len(streams))
"""


def cut_one(client: DockerClient, lab: str, node: str, port: int) -> int:
    """End the circuit of one stream to `port`; how many streams there were."""
    container = client.containers.get(nodes_of(client, lab)[node]["Id"])
    done = container.exec_run(["python3", "-c", CUT_ONE, str(port)])
    assert done.exit_code == 0, done.output.decode()
    return int(done.output)
