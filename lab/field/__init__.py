"""The analysis of the second study over a directory tree laid out like its artifact."""
