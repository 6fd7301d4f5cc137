"""What host and nodes say to each other, written once; standard library only."""
