"""A live capture at one point of a running lab: where, of what, and to whom its packets go."""
