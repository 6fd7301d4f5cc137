"""A conversation between two WebRTC phones."""
