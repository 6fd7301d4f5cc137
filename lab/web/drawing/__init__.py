"""The lab drawn: where everything is, land and places, links, nodes, the circuits of the call."""
