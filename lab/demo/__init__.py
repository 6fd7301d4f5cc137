"""Guided demonstrations: a question, a prediction, calls that answer it, and a record of them."""
