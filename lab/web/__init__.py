"""The page of `lab web`: a listener of the lab's own stream, shown in a browser on this host.

It knows nothing that the stream, the store or a call's files do not tell, and does nothing that
a command would not: whatever is started from it is a `lab` command of its own.
"""
