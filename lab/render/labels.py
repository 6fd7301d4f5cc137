"""The labels by which everything of a lab is found again; names are never matched."""

LAB = "org.voice-tor-lab.lab"
"""The lab's name; on every container, network and volume the lab owns."""

OWNER = "org.voice-tor-lab.owner"
"""The user id of whom the lab is (root: the id that nobody has); on all that Compose makes."""

NODE = "org.voice-tor-lab.node"
"""The node a container is; short-lived helpers have none."""

MACHINE = "org.voice-tor-lab.machine"
"""The node whose network a net helper set up; on such helpers only."""

DELAY_LINE = "org.voice-tor-lab.delay-line"
"""The node beside which a delay line runs; on delay lines only."""

ROLE = "org.voice-tor-lab.role"
"""The node's role."""

TOPOLOGY = "org.voice-tor-lab.topology"
"""The name of the topology the lab was made from."""

FINGERPRINT = "org.voice-tor-lab.project"
"""The digest of what the lab was rendered from: topology, images, version."""

HOST = "org.voice-tor-lab.host"
"""Of a lab that spans hosts: the host in its topology on which a container or a network is."""

HOSTS = "org.voice-tor-lab.hosts"
"""Of such a lab, on the host that brought it up: the engines of the others, by host, as JSON."""

JOINED = "org.voice-tor-lab.joined"
"""The image of what joins a network to its bridges on other hosts; on such networks only."""

BLOCK = "org.voice-tor-lab.block"
"""The address block of the lab; on its networks."""
