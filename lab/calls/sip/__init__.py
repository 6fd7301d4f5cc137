"""A conversation between two phones."""
