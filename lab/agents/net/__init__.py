"""Routes, tun devices, caps and barriers of a machine's network namespace."""
