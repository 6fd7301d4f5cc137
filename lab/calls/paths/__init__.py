"""How voice gets from the caller to the PBX or to Murmur: one module per way."""
