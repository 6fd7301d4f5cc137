"""Which calls both studies call good: more than a score, less than a delay."""

GOOD_MOS = 3.0
"""MOS-LQO (P.862.1) above which a call is good."""
GOOD_DELAY_MS = 400.0
"""Median one-way delay below which it is; the second study asks for PESQ alone."""
