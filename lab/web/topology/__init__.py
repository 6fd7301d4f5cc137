"""A lab as it is shown: its plan, its links and queues as they are now, and these in tables."""
