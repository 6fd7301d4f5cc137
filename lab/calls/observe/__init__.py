"""What is watched while a call lasts: captures, pings, the shared link."""
