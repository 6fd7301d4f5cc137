"""The engine baresip."""
