"""A private Tor lab that carries real voice calls and measures what becomes of them."""

__version__ = "0.1.0"
