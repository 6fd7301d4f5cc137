"""The engine pjsua2."""
