"""What a run is expected to measure: bounds that a user states, and whether its calls meet them."""
