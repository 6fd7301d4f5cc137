"""The images of the lab: what goes into each, and how a host obtains them."""
