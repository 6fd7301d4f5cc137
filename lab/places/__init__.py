"""Places: cities with coordinates, and how long a packet takes from one to another."""
