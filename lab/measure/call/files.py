"""What files of a call's directory are called that several programs write or read."""

from __future__ import annotations

REFERENCE = "reference.wav"
"""The clip that both ends played, as it was played once."""
CODED = "coded.wav"
"""The same, as far as it was played, through the call's codec alone; absent where this host
has no such codec."""
SCORES = "scores.json"
"""The whole scores of its recordings, by what they are of."""
STALLS = "stalls.json"
"""The ledger of what either end heard, by end."""
