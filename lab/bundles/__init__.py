"""A run in one file that travels: packed, checked, read and repeated on another host."""
