"""Watching a running lab: what is so, then everything that happens in it, as one stream."""
