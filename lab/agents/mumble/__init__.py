"""Mumble: protocol, clients and Murmur."""
