"""The clip that both ends play: coded without a network, and proven fit to score calls with."""
