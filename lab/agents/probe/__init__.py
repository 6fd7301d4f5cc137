"""Captures and pings beside a machine."""
