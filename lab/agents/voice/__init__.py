"""Speaking Opus and hearing it: what the lab's own clients have in common."""
