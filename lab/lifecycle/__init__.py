"""A lab as a whole: up, status, down; one module per verb."""
