"""WebRTC: a phone whose voice is relayed by TURN over TCP, and by nothing else."""
