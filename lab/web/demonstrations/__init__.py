"""Demonstrations that are given on the page: what they tell and ask, for all viewers."""
