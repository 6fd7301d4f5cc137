"""OpenVPN inside nodes."""
