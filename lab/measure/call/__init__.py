"""A call's directory → its record: nothing here knows Docker, and nothing outside is asked."""
