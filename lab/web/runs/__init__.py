"""Runs of experiments: what is started and under way, how far each has come, and its calls."""
