"""Experiments: a grid of points, planned from a seed, run call by call, resumed anywhere."""
