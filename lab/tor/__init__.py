"""The private Tor network seen from the host: is it complete, and which circuit carries a call."""
