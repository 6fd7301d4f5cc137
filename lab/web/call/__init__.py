"""One call: the form it is asked by, its packets while it lasts, and what is left of it."""
