"""Competing traffic, made and counted inside nodes."""
