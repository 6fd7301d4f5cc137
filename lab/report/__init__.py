"""Tables and figures from stored calls."""
