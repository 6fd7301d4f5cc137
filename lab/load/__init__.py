"""Competing traffic: what shares a link with the call, proven to run, and measured."""
