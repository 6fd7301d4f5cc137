"""Calls over a running lab: one way of calling per module, one record per call."""
