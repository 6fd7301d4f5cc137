"""Pure measurement: recordings and captures in, numbers out; knows no Docker."""
