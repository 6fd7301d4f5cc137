"""A conversation between two Mumble clients."""
