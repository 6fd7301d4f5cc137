"""What starts the servers that need more than a command line."""
