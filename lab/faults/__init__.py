"""Faults: what is broken on purpose, by hand or by the clock of a call, and made whole again."""
