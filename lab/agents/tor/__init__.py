"""Tor relays and clients, and the circuits a client builds."""
